import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

/**
 * A new place beside other runs, named by what is quantized and when.
 *
 * @param taken places that are given away, though nothing is there yet
 */
export function newRunFolder(runs: string, subject: string, taken: readonly string[] = []): string {
  // Swedish dates begin with the year; the time is the desktop's own.
  const stamp = new Date().toLocaleString('sv-SE').replaceAll(':', '.')
  const wanted = resolve(runs, `${subject} ${stamp}`)
  const isFree = (folder: string): boolean => !taken.includes(folder) && !existsSync(folder)
  // Several jobs may be asked for within a second.
  let folder = wanted
  for (let number = 2; !isFree(folder); number++) folder = `${wanted} (${number})`
  return folder
}
