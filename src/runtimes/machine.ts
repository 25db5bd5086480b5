import { execFile } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, release, totalmem, version } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { installedComponents } from './gpu/installed'
import { onnxruntimeVersion } from './onnxruntime-module'
import { ownPackages } from './tfjs/own-packages'

const require = createRequire(import.meta.url)
const run = promisify(execFile)

/** What computes on this machine, as far as it can be told without a driver being asked to. */
export interface Machine {
  readonly processor: string
  readonly memoryBytes: number
  readonly gpus: readonly {
    readonly name: string
    readonly memoryBytes: number | null
    /** Version of its driver. */
    readonly driver: string
  }[]
  /** Another one where anything that decides what works, and how fast, is another: versions, drivers, hardware, packages. */
  readonly fingerprint: string
}

/** @param askNvidia what `nvidia-smi` prints for the fields below; rejects where there is none */
export async function describeMachine(askNvidia: () => Promise<string> = askNvidiaSmi): Promise<Machine> {
  const processor = cpus()[0]?.model.trim() ?? 'unknown processor'
  const memoryBytes = totalmem()
  const gpus = nvidiaGpus(await askNvidia().catch(() => ''))
  const versions = [onnxruntimeVersion, JSON.stringify(process.versions), process.arch]
  const system = [process.platform, release(), version(), ...kernelDrivers()]
  const fingerprint = [...versions, ...system, processor, JSON.stringify(gpus), ...libraries()].join('\n')
  return { processor, memoryBytes, gpus, fingerprint }
}

const fields = 'name,memory.total,driver_version'

async function askNvidiaSmi(): Promise<string> {
  const { stdout } = await run('nvidia-smi', [`--query-gpu=${fields}`, '--format=csv,noheader,nounits'], {
    timeout: 5000,
    windowsHide: true
  })
  return stdout
}

/** A line each: name, MiB of memory, driver. */
function nvidiaGpus(told: string): Machine['gpus'] {
  return told.split('\n').flatMap((line) => {
    const [name = '', memory = '', driver = ''] = line.split(',').map((part) => part.trim())
    if (driver === '') return []
    const mebibytes = Number(memory)
    return [{ name, memoryBytes: Number.isFinite(mebibytes) ? mebibytes * 2 ** 20 : null, driver }]
  })
}

/** Versions of graphics drivers that are loaded: Linux tells them in files, other systems have them in their own version. */
function kernelDrivers(): readonly string[] {
  const files = [
    '/proc/driver/nvidia/version',
    ...['amdgpu', 'i915', 'xe'].flatMap((name) => [`/sys/module/${name}/version`, `/sys/module/${name}/srcversion`])
  ]
  return files.filter((file) => existsSync(file)).map((file) => readFileSync(file, 'utf8').trim())
}

/** Another list where a user has installed or removed libraries for GPUs, or names another folder of packages. */
export function libraries(): readonly string[] {
  const installed = installedComponents().map(({ id, version }) => `${id} ${version}`)
  return [...installed, `packages of ${ownPackages() ?? 'the program'}`, ...nativePackages()]
}

/** TensorFlow's native libraries, where a user has installed them. */
function nativePackages(): readonly string[] {
  const paths = [ownPackages() ?? [], import.meta.dirname].flat()
  return ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'].map((name) => {
    try {
      const library = join(dirname(require.resolve(`${name}/package.json`, { paths })), 'lib')
      return `${name} ${existsSync(library) ? statSync(library).mtimeMs : 'without its library'}`
    } catch {
      return `${name} absent`
    }
  })
}
