import { existsSync, mkdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { gpuComponents } from './components'
import { folderOf, isInstalled } from './installed'

/** Keeps a library in memory, though Node.js finds that it is no module of its own and lets go of it (`RTLD_NODELETE` of Linux). */
const keep = 0x1000

/**
 * onnxruntime looks for its providers where it was loaded from itself. So it is loaded by a link in a folder that also has links to
 * what is installed, or will be: a process that has begun finds a component that comes later.
 *
 * @param library onnxruntime's own
 * @param version of onnxruntime
 * @param folder that of libraries for GPUs
 * @returns the folder of links
 * @throws where links cannot be made, or onnxruntime's library not be loaded
 */
export function loadBesideProviders(library: string, version: string, folder: string): string {
  const links = join(folder, `linked@${version}`)
  mkdirSync(links, { recursive: true })
  for (const component of gpuComponents().filter(({ use }) => use === 'providers')) {
    const own = folderOf(component, folder)
    for (const { name } of component.parts.flatMap(({ members }) => members)) {
      if (!name.endsWith('.so')) continue
      // One that was put beside onnxruntime itself goes on counting where nothing is installed.
      const beside = join(dirname(library), name)
      link(!isInstalled(component, folder) && existsSync(beside) ? beside : join(own, name), join(links, name))
    }
  }
  const linked = join(links, libraryName)
  link(library, linked)
  const said = keepLoaded(linked)
  if (said !== null) throw new Error(said)
  return links
}

/** The name that onnxruntime's module knows its library by. */
export const libraryName = 'libonnxruntime.so.1'

/**
 * Loads a library for all that is loaded later.
 *
 * @returns what the system's loader said where it cannot be loaded; null where it is
 */
export function keepLoaded(path: string): string | null {
  const { RTLD_LAZY, RTLD_GLOBAL } = constants.dlopen
  try {
    process.dlopen({ exports: {} }, path, RTLD_LAZY | RTLD_GLOBAL | keep)
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    // What every library is told that is no module of Node.js, once it is there.
    return said.includes('did not self-register') ? null : said
  }
  return null
}

/** Has `path` lead to `target`, in one step, as other processes may do the same. */
function link(target: string, path: string): void {
  if (targetOf(path) === target) return
  const made = `${path}.${process.pid}`
  rmSync(made, { force: true })
  symlinkSync(target, made)
  renameSync(made, path)
}

function targetOf(path: string): string | null {
  try {
    return readlinkSync(path)
  } catch {
    return null
  }
}
