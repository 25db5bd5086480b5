import { imageScheme } from '../contract/channels'

/** The address of a picture in a run folder. */
export function pictureAddress(runKey: string, file: string): string {
  return `${imageScheme}://${runKey}/${file.split('/').map(encodeURIComponent).join('/')}`
}
