import type { Image } from './image'

/** Pictures of one size row by row, so many in a row; what is left of the last row is black. */
export function sheetOf(pictures: readonly [Image, ...Image[]], columns: number): Image {
  const [{ width, height, channels }] = pictures
  const rows = Math.ceil(pictures.length / columns)
  const stride = width * columns
  const plane = stride * height * rows
  const data = new Float32Array(channels * plane)
  pictures.forEach((picture, i) => {
    const left = (i % columns) * width
    const top = Math.floor(i / columns) * height
    for (let row = 0; row < channels * height; row++) {
      const [channel, y] = [Math.floor(row / height), row % height]
      data.set(picture.data.subarray(row * width, (row + 1) * width), channel * plane + (top + y) * stride + left)
    }
  })
  return { width: stride, height: height * rows, channels, data }
}
