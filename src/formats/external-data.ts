import { closeSync, fstatSync, openSync, readSync, realpathSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path'
import { StudioError } from '../core/errors'
import type { ExternalData } from './onnx-tensor'

/**
 * Reads what an ONNX file keeps in files beside it or in folders below. What lies elsewhere, by its name or by a link, is
 * refused before it is opened.
 *
 * @param path of the ONNX file
 */
export function externalDataBeside(path: string): ExternalData {
  const name = basename(path)
  const folder = realpathSync(dirname(path))
  return (location, offset, length) => {
    const target = isInside(location) ? realPath(join(folder, location)) : null
    if (target === null || !isInside(relative(folder, target))) {
      const what = `"${name}" keeps weights in "${location}"`
      throw new StudioError(
        'refused',
        `${what}, which is not in its folder; put both into one folder and export again.`
      )
    }
    const file = openSync(target, 'r')
    try {
      const { size } = fstatSync(file)
      const wanted = length ?? size - offset
      if (wanted < 0 || offset + wanted > size) {
        const what = `"${location}", which belongs to "${name}", is too short`
        throw new StudioError('unreadable', `${what}; copy it again from where the model comes from.`)
      }
      const bytes = new Uint8Array(wanted)
      let done = 0
      while (done < wanted) {
        const read = readSync(file, bytes, done, wanted - done, offset + done)
        if (read === 0) break
        done += read
      }
      return bytes
    } finally {
      closeSync(file)
    }
  }

  function realPath(file: string): string {
    try {
      return realpathSync(file)
    } catch (cause) {
      const what = `There is no file "${relative(folder, file)}", in which "${name}" keeps weights`
      throw new StudioError('missing', `${what}; put it beside the model.`, { cause })
    }
  }
}

/** Whether a path that is relative to a folder stays in it. */
function isInside(path: string): boolean {
  return path !== '' && !isAbsolute(path) && !path.split(/[\\/]/).includes('..') && !path.includes('\0') && path !== sep
}
