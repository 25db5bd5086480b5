import { markedTitle, type Matrix } from './matrix'

const scale = 2
const lineHeight = 26
const padding = 14
const font = 'system-ui, "Liberation Sans", sans-serif'

/** A table as the bytes of a PNG file, dark letters on white. */
export async function matrixAsPng({ sets, rows }: Matrix): Promise<Uint8Array<ArrayBuffer>> {
  const head = ['Method', 'Bits', ...sets.flatMap(({ name }) => [`${name} PSNR`, 'SSIM'])]
  const body = rows.map((row) => [
    ...markedTitle(row),
    ...row.cells.flatMap(({ psnr, ssim }) => [psnr?.toFixed(2) ?? '∞', ssim?.toFixed(4) ?? '–'])
  ])
  const canvas = document.createElement('canvas')
  const context = canvas.getContext('2d')
  if (context === null) throw new Error('Nothing can be drawn')
  context.font = `14px ${font}`
  const widths = head.map((title, i) =>
    Math.max(...[title, ...body.map((row) => row[i] ?? '')].map((text) => context.measureText(text).width))
  )
  const total = widths.reduce((sum, width) => sum + width + 2 * padding, 0)
  canvas.width = Math.ceil(total * scale)
  canvas.height = (body.length + 1) * lineHeight * scale
  context.scale(scale, scale)
  context.fillStyle = '#ffffff'
  context.fillRect(0, 0, canvas.width, canvas.height)
  for (const [line, row] of [head, ...body].entries()) {
    context.font = `${line === 0 ? '600 ' : ''}14px ${font}`
    context.fillStyle = line === 0 ? '#52525b' : '#18181b'
    let left = 0
    for (const [i, width] of widths.entries()) {
      const isText = i === 0
      context.textAlign = isText ? 'left' : 'right'
      context.fillText(row[i] ?? '', isText ? left + padding : left + padding + width, (line + 0.68) * lineHeight)
      left += width + 2 * padding
    }
    context.fillStyle = '#d4d4d8'
    context.fillRect(0, (line + 1) * lineHeight - 1, total, 1)
  }
  const blob = await new Promise<Blob | null>((resolve) => {
    canvas.toBlob(resolve, 'image/png')
  })
  if (blob === null) throw new Error('The picture of the table could not be made')
  return new Uint8Array(await blob.arrayBuffer())
}
