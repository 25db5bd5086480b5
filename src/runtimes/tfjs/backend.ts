import { createRequire } from 'node:module'
import { dirname, join, sep } from 'node:path'
import util from 'node:util'
import * as tf from '@tensorflow/tfjs-core'
import { StudioError } from '../../core/errors'
import type { TfjsDevice } from './devices'
import { ownPackages } from './own-packages'

const require = createRequire(import.meta.url)

/** The package of each and the backend that it registers. */
const packages: Readonly<Record<TfjsDevice, { readonly name: string; readonly backend: string }>> = {
  'node-gpu': { name: '@tensorflow/tfjs-node-gpu', backend: 'tensorflow' },
  node: { name: '@tensorflow/tfjs-node', backend: 'tensorflow' },
  wasm: { name: '@tensorflow/tfjs-backend-wasm', backend: 'wasm' },
  cpu: { name: '@tensorflow/tfjs-backend-cpu', backend: 'cpu' }
}

/** The device that is in use; tfjs has one in a process. */
let inUse: { readonly device: TfjsDevice; readonly ready: Promise<void> } | null = null

/** Loads a device. Throws a StudioError that says what is missing. */
export async function useDevice(device: TfjsDevice): Promise<void> {
  if (inUse?.device !== device) inUse = { device, ready: load(device) }
  await inUse.ready
}

async function load(device: TfjsDevice): Promise<void> {
  const { name, backend } = packages[device]
  // No greetings among a program's output, and no checks of every number.
  tf.enableProdMode()
  if (device === 'wasm') await loadWasm()
  else if (device === 'cpu') await import('@tensorflow/tfjs-backend-cpu')
  else loadNative(name)
  if (!(await tf.setBackend(backend))) throw new StudioError('failed', `${name} did not start.`)
  await tf.ready()
}

/** The packages with TensorFlow's own library are there only where a user has installed them. */
function loadNative(name: string): void {
  restoreTypeChecks()
  const folder = ownPackages()
  try {
    require(folder === null ? name : require.resolve(name, { paths: [folder, import.meta.dirname] }))
  } catch (cause) {
    throw new StudioError('missing', reasonOf(name, cause), { cause })
  }
}

/** tfjs looks for its .wasm files where the program was started, unless it is told that they lie beside its own. */
async function loadWasm(): Promise<void> {
  const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm')
  setWasmPaths(join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')), sep))
}

/** Version of tfjs itself, which all devices share. */
export const tfjsVersion: string = tf.version_core

function reasonOf(name: string, cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException
  const isAbsent = code === 'MODULE_NOT_FOUND' && message.includes(`'${name}'`)
  if (isAbsent) return `${name} is not installed; docs/gpu.md tells how to get it.`
  if (message.includes('tfjs_binding.node'))
    return `${name} is there without its native library; docs/gpu.md tells how to get it.`
  const [first = ''] = message.split('\n')
  return `${name} cannot be loaded: ${first.trim()}`
}

/**
 * The functions of `util` that Node 23 removed and tfjs-node 4.22 calls (fixed in its repository, not published). Theirs are the
 * meanings of Node 22.
 */
export function restoreTypeChecks(target: Record<string, unknown> = util): void {
  const checks: Readonly<Record<string, (value: unknown) => boolean>> = {
    isArray: Array.isArray,
    isBoolean: (value) => typeof value === 'boolean',
    isNull: (value) => value === null,
    isNullOrUndefined: (value) => value === null || value === undefined,
    isNumber: (value) => typeof value === 'number',
    isString: (value) => typeof value === 'string',
    isSymbol: (value) => typeof value === 'symbol',
    isUndefined: (value) => value === undefined,
    isRegExp: util.types.isRegExp,
    isObject: (value) => value !== null && typeof value === 'object',
    isDate: util.types.isDate,
    isError: (value) => value instanceof Error,
    isFunction: (value) => typeof value === 'function',
    isPrimitive: (value) => value === null || (typeof value !== 'object' && typeof value !== 'function')
  }
  for (const [name, check] of Object.entries(checks)) target[name] ??= check
}
