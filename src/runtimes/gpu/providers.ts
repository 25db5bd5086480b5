import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { StudioError } from '../../core/errors'
import { gpuComponents } from './components'
import { folderOf, gpuFolder, installedComponents } from './installed'
import { keepLoaded } from './links'

/** Devices of onnxruntime whose providers are in libraries of their own, and what users call them. */
const titles: Readonly<Partial<Record<string, string>>> = { cuda: 'CUDA', tensorrt: 'TensorRT' }

/** Whether a device is of NVIDIA's GPUs and no others. */
export function isOfNvidia(device: string): boolean {
  return titles[device] !== undefined
}

/** Components whose libraries this process has loaded. */
const loaded = new Set<string>()

/**
 * Loads the installed libraries that a device's provider needs, so that it finds them, and has them compute in float32; nothing for devices that need none. They are
 * mapped, not read: a gigabyte takes no second.
 *
 * @param from where onnxruntime was loaded from and looks for its providers
 * @throws StudioError ('missing') where there is no such provider
 */
export function expectProvider(device: string, from: string): void {
  const title = titles[device]
  if (title === undefined) return
  // NVIDIA's libraries otherwise round what they multiply to 10 bits, which turns codes over.
  process.env['NVIDIA_TF32_OVERRIDE'] ??= '0'
  if (!existsSync(providerIn(from, device))) {
    const component = gpuComponents().find(({ use }) => use === 'providers')
    const remedy = component === undefined ? 'docs/gpu.md tells where they are' : offer(component.id)
    throw new StudioError('missing', `${title} needs libraries that the npm package of onnxruntime lacks; ${remedy}.`)
  }
  const folder = gpuFolder()
  for (const component of installedComponents()) {
    if (folder === null || component.use !== 'libraries' || loaded.has(component.id)) continue
    loaded.add(component.id)
    for (const { name } of component.parts.flatMap(({ members }) => members)) {
      // What cannot be loaded is missed by the provider, which then is asked why.
      if (name.includes('.so')) keepLoaded(join(folderOf(component, folder), name))
    }
  }
}

/**
 * Why the provider of a device does not start, and what to do; of libraries, onnxruntime itself says it to its log alone.
 *
 * @param told what onnxruntime said
 * @returns null for devices whose providers are no libraries of their own, and where nothing more is known
 */
export function whyNotStarted(device: string, from: string, told: string): string | null {
  const title = titles[device]
  if (title === undefined) return null
  const [, code, failure] = /CUDA failure (\d+): (.*?) ;/.exec(told) ?? []
  if (failure !== undefined) {
    const remedy = code === driverTooOld ? '; NVIDIA’s driver must be of version 580 or newer' : ''
    return `${title} does not start here: ${failure}${remedy}.`
  }
  const said = keepLoaded(join(from, 'libonnxruntime_providers_shared.so')) ?? keepLoaded(providerIn(from, device))
  if (said === null) return null
  const [, missing] = /^(\S+): cannot open shared object file/.exec(said) ?? []
  if (missing === undefined) return `onnxruntime’s library for ${title} cannot be loaded: ${said}.`
  return `onnxruntime’s library for ${title} needs ${missing}, which is not here; ${remedyFor(missing)}.`
}

const providerIn = (folder: string, device: string): string => join(folder, `libonnxruntime_providers_${device}.so`)

/** `cudaErrorInsufficientDriver` */
const driverTooOld = '35'

/** How to come by a library. */
function remedyFor(library: string): string {
  if (library.startsWith('libcuda.so')) return 'it comes with NVIDIA’s driver, version 580 or newer'
  if (/^libnv(infer|onnxparser)/.test(library)) return 'it is of NVIDIA’s TensorRT 10, which must be installed'
  const own = 'it is of NVIDIA’s CUDA 13 or cuDNN 9, which must be installed'
  const component = gpuComponents().find(({ use }) => use === 'libraries')
  return component === undefined ? own : `${own}: ${offer(component.id)}, too`
}

const offer = (id: string): string => `\`2dquant gpu install ${id}\`, or the settings of the app, get them`
