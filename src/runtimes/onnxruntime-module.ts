import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, sep } from 'node:path'
import type * as Onnxruntime from 'onnxruntime-node'
import { gpuFolder } from './gpu/installed'
import { libraryName, loadBesideProviders } from './gpu/links'

const require = createRequire(import.meta.url)

/** Version of onnxruntime, known without loading it. */
export const onnxruntimeVersion: string = (require('onnxruntime-node/package.json') as { readonly version: string })
  .version

interface Loaded {
  readonly module: typeof Onnxruntime
  /** The folder that its library was loaded from, where it looks for those of its providers. */
  readonly from: string
}
let loaded: Loaded | null = null

/** onnxruntime, loaded when it is first asked for; nothing else loads it, as where it is loaded from decides what it finds. */
export function onnxruntime(): Loaded {
  return (loaded ??= load())
}

function load(): Loaded {
  // Before the module, which takes a library of this name that is there already.
  const from = libraryFolder(ownLibrary())
  return { module: require('onnxruntime-node') as typeof Onnxruntime, from }
}

/** Loads onnxruntime's library from where libraries for GPUs are, where this process was told of such a place and it is there. */
function libraryFolder(library: string): string {
  const folder = gpuFolder()
  if (folder !== null && existsSync(folder) && existsSync(library)) {
    try {
      return loadBesideProviders(library, onnxruntimeVersion, folder)
    } catch {
      // As where the folder cannot be written to: what needs no further libraries works all the same.
    }
  }
  return dirname(library)
}

/** The library where it is a file of this name, which it is on Linux; packaged, it lies beside the archive. */
function ownLibrary(): string {
  const own = dirname(require.resolve('onnxruntime-node/package.json'))
  return join(own, 'bin', 'napi-v6', process.platform, process.arch, libraryName).replace(
    `app.asar${sep}`,
    `app.asar.unpacked${sep}`
  )
}
