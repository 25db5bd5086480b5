import { imageScheme } from '../contract/names'

/** The address of a picture in a run folder. */
export function pictureAddress(runKey: string, file: string): string {
  return `${imageScheme}://${runKey}/${pathInAddress(file)}`
}

/** A file's path in a run folder as part of an address. */
export function pathInAddress(file: string): string {
  return file.split('/').map(encodeURIComponent).join('/')
}

/** The address of a picture that is at hand as the bytes of its file. */
export function dataAddress(bytes: Uint8Array, type: string): string {
  // In pieces: a call takes only so many arguments.
  let text = ''
  for (let from = 0; from < bytes.length; from += 2 ** 15) {
    text += String.fromCharCode(...bytes.subarray(from, from + 2 ** 15))
  }
  return `data:${type};base64,${btoa(text)}`
}
