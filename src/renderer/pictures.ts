import { imageScheme } from '../contract/names'

/** The address of a picture in a run folder. */
export function pictureAddress(runKey: string, file: string): string {
  return `${imageScheme}://${runKey}/${file.split('/').map(encodeURIComponent).join('/')}`
}
