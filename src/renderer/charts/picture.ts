import { defineComponent, h, type PropType, type VNode } from 'vue'
import { svgOf, type Drawn } from './svg'

function nodeOf({ tag, attributes, children }: Drawn): VNode {
  return h(
    tag,
    attributes,
    children.map((child) => (typeof child === 'string' ? child : nodeOf(child)))
  )
}

/** Shows a drawing in a page. */
export const DrawnPicture = defineComponent({
  props: { drawing: { type: Object as PropType<Drawn>, required: true } },
  setup: (props) => () => nodeOf(props.drawing)
})

/** Canvases cannot be larger. */
const mostPixels = 16_384

/** A drawing as a PNG file, with so many pixels for each of its own as long as it is not too large for that. */
export async function pngOf(drawing: Drawn, wanted: number): Promise<Uint8Array<ArrayBuffer>> {
  const image = new Image()
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svgOf(drawing))}`
  await image.decode()
  const canvas = document.createElement('canvas')
  const [width, height] = [Number(drawing.attributes['width']), Number(drawing.attributes['height'])]
  const scale = Math.min(wanted, mostPixels / width, mostPixels / height)
  canvas.width = Math.floor(width * scale)
  canvas.height = Math.floor(height * scale)
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height)
  const blob = await new Promise<Blob | null>((resolve) => {
    canvas.toBlob(resolve, 'image/png')
  })
  if (blob === null) throw new Error('The picture is too large to be drawn.')
  return new Uint8Array(await blob.arrayBuffer())
}
