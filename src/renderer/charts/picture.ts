import { defineComponent, h, type VNode } from 'vue'
import { svgOf, type Drawn } from './svg'

function nodeOf({ tag, attributes, children }: Drawn): VNode {
  return h(
    tag,
    attributes,
    children.map((child) => (typeof child === 'string' ? child : nodeOf(child)))
  )
}

/** Shows a drawing in a page. */
export const DrawnPicture = defineComponent(
  (props: { readonly drawing: Drawn }) => () => nodeOf(props.drawing),
  // What the compiler of components would find by itself.
  { props: ['drawing'] }
)

/** A drawing as a PNG file, with so many pixels for each of its own. */
export async function pngOf(drawing: Drawn, scale: number): Promise<Uint8Array<ArrayBuffer>> {
  const image = new Image()
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svgOf(drawing))}`
  await image.decode()
  const canvas = document.createElement('canvas')
  canvas.width = Number(drawing.attributes['width']) * scale
  canvas.height = Number(drawing.attributes['height']) * scale
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height)
  const blob = await new Promise<Blob | null>((resolve) => {
    canvas.toBlob(resolve, 'image/png')
  })
  if (blob === null) throw new Error('The picture is too large to be drawn.')
  return new Uint8Array(await blob.arrayBuffer())
}
