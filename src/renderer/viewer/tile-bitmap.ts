import type { Pixels } from '../../contract/pixels'

/** Pixels as a picture that is drawn quickly; its colours are taken as they are. */
export function makeBitmap({ width, height, rgba }: Pixels): Promise<ImageBitmap> {
  // What comes over a port has memory of its own.
  const samples = new Uint8ClampedArray(rgba.buffer, rgba.byteOffset, rgba.byteLength)
  return createImageBitmap(new ImageData(samples, width, height), {
    premultiplyAlpha: 'none',
    colorSpaceConversion: 'none'
  })
}
