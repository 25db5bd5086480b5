import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { gpuFolderVariable } from '../../src/contract/gpu'
import { GraphBuilder } from '../../src/core/graph/builder'
import { floatTensor } from '../../src/core/tensor'
import { install } from '../../src/engine/gpu/install'
import { gpuComponents, type GpuComponent } from '../../src/runtimes/gpu/components'
import { whyNotStarted } from '../../src/runtimes/gpu/providers'
import { onnxruntimeCpu, onnxruntimeOn } from '../../src/runtimes/onnxruntime'
import { onnxruntime, onnxruntimeVersion } from '../../src/runtimes/onnxruntime-module'
import { bundledModel, runCli, temporaryFolder } from '../cli/run-cli'
import { madeUp, useCatalogue, type Contents } from '../engine/gpu/made-up'
import { writeTestPicture } from '../pictures'

const root = join(import.meta.dirname, '..', '..')
const temporary = temporaryFolder()
const signal = new AbortController().signal

describe('the components that are offered', () => {
  it('are for the onnxruntime that this program has', () => {
    const providers = gpuComponents().filter(({ use }) => use === 'providers')
    expect(providers.map(({ version }) => version)).toEqual(providers.map(() => onnxruntimeVersion))
  })

  it('have files and members of different names', () => {
    for (const { parts } of gpuComponents()) {
      const names = [...parts, ...parts.flatMap(({ members }) => members)].map(({ name }) => name)
      expect(new Set(names).size).toBe(names.length)
    }
  })
})

/** Providers that are none: what the system's loader says of them tells where they were looked for. */
const providers = {
  'libonnxruntime_providers_shared.so': randomBytes(4096),
  'libonnxruntime_providers_cuda.so': randomBytes(4096)
}
/** A library that no process of ours has loaded. */
const packed = join(root, 'node_modules', '@img', `sharp-libvips-${process.platform}-${process.arch}`, 'lib')
const someLibrary = (): Buffer =>
  readFileSync(join(packed, readdirSync(packed).find((name) => name.startsWith('libvips-cpp.so')) ?? ''))

async function put(contents: Contents, changes: Partial<GpuComponent>, folder: string): Promise<GpuComponent> {
  const { component, archives } = madeUp(contents, changes)
  const files = [...archives].map(([name, bytes]) => {
    writeFileSync(join(temporary, name), bytes)
    return join(temporary, name)
  })
  await install(component, folder, { signal, server: null, files })
  return component
}

const asProviders = { id: 'some-providers', version: onnxruntimeVersion, use: 'providers' } as const

// Where onnxruntime is loaded from is decided once in a process: these tests are steps of one.
describe.runIf(process.platform === 'linux')('onnxruntime', () => {
  const folder = join(temporary, 'engine', 'gpu')
  const builder = new GraphBuilder()
  const graph = builder.build([builder.gelu(builder.input('x', [1]), 'y')])

  beforeAll(() => {
    mkdirSync(folder, { recursive: true })
    process.env[gpuFolderVariable] = folder
    const offered = [
      madeUp([providers], asProviders).component,
      madeUp([{ 'libsome.so.1': someLibrary() }], { id: 'some-libraries' }).component
    ]
    useCatalogue(join(temporary, 'catalogue.json'), offered)
  })

  it('is loaded by a link beside its providers, and computes', async () => {
    const session = await onnxruntimeCpu.load(graph)
    const y = (await session.run(new Map([['x', floatTensor([1], [1])]]))).get('y')
    expect(Number(y?.data[0])).toBeCloseTo(0.8413, 4)
    const { from } = onnxruntime()
    expect(from).toBe(join(folder, `linked@${onnxruntimeVersion}`))
    const library = readlinkSync(join(from, 'libonnxruntime.so.1'))
    expect(library).toMatch(/node_modules\/onnxruntime-node\/bin\/napi-v6\/linux\/\w+\/libonnxruntime\.so\.1$/)
    const mapped = readFileSync('/proc/self/maps', 'utf8').split('\n')
    const loaded = mapped.flatMap((line) => /\S*\/libonnxruntime\.so\S*$/.exec(line) ?? [])
    expect([...new Set(loaded)]).toEqual([library])
  })

  it('says what to install where its providers are missing', async () => {
    await expect(onnxruntimeOn('cuda').load(graph)).rejects.toThrow(
      'CUDA needs libraries that the npm package of onnxruntime lacks; `2dquant gpu install some-providers`, or the settings of the app'
    )
  })

  it('finds them once they are installed, without being started anew', async () => {
    await put([providers], asProviders, folder)
    const { from } = onnxruntime()
    await expect(onnxruntimeOn('cuda').load(graph)).rejects.toThrow(
      `onnxruntime’s library for CUDA cannot be loaded: ${from}/libonnxruntime_providers_shared.so: invalid ELF header.`
    )
  })

  it('loads the libraries that providers need, for these alone', async () => {
    const own = join(folder, 'some-libraries@1.0', 'libsome.so.1')
    const isMapped = (): boolean => readFileSync('/proc/self/maps', 'utf8').includes(own)
    await put([{ 'libsome.so.1': someLibrary() }], { id: 'some-libraries' }, folder)
    await (await onnxruntimeCpu.load(graph)).dispose()
    expect(isMapped()).toBe(false)
    await expect(onnxruntimeOn('cuda').load(graph)).rejects.toThrow()
    expect(isMapped()).toBe(true)
  })
})

describe.runIf(process.platform === 'linux')('why a provider does not start', () => {
  /** A library that needs another one, of whatever name. */
  function needing(name: string): string {
    const folder = join(temporary, name)
    const own = join(root, 'node_modules/onnxruntime-node/bin/napi-v6/linux', process.arch, 'onnxruntime_binding.node')
    const bytes = readFileSync(own)
    const needed = bytes.indexOf('libonnxruntime.so.1\0')
    bytes.write(`${name}\0`, needed, 'latin1')
    mkdirSync(folder)
    writeFileSync(join(folder, 'libonnxruntime_providers_shared.so'), bytes)
    return folder
  }

  it.each([
    [
      'libcublasLtx.so.13',
      'it is of NVIDIA’s CUDA 13 or cuDNN 9, which must be installed: `2dquant gpu install some-libr'
    ],
    ['libnvinferx.so.10', 'it is of NVIDIA’s TensorRT 10, which must be installed.']
  ])('is that %s is missing', (name, remedy) => {
    const said = whyNotStarted('cuda', needing(name), 'Failed to load shared library')
    expect(said).toContain(`onnxruntime’s library for CUDA needs ${name}, which is not here; ${remedy}`)
  })

  it('is that the driver is too old', () => {
    const told =
      'CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version ; GPU=-1 ; hostname=here'
    expect(whyNotStarted('cuda', temporary, told)).toBe(
      'CUDA does not start here: CUDA driver version is insufficient for CUDA runtime version; ' +
        'NVIDIA’s driver must be of version 580 or newer.'
    )
  })

  it('is not asked of devices that are within onnxruntime', () => {
    expect(whyNotStarted('webgpu', temporary, 'No adapter')).toBeNull()
  })
})

describe.runIf(process.platform === 'linux')('the command line', () => {
  const picture = join(temporary, 'picture.png')
  const enlarging = (device: string): ReturnType<typeof runCli> =>
    runCli(['upscale', bundledModel, picture, '--out', join(temporary, 'enlarged'), '--device', device])

  it('looks for providers where they were installed by it', async () => {
    await writeTestPicture(picture, 32, 32)
    process.env['XDG_CONFIG_HOME'] = join(temporary, 'settings')
    const folder = join(temporary, 'settings', '2DQuant Studio', 'engine', 'gpu')
    await put([providers], asProviders, folder)
    const [onGpu, onProcessor] = [await enlarging('cuda'), await enlarging('cpu')]
    // What onnxruntime itself says.
    const looked = join(folder, `linked@${onnxruntimeVersion}`, 'libonnxruntime_providers_shared.so')
    expect(onGpu.stderr).toContain(`Failed to load library ${looked} with error: ${looked}: invalid ELF header`)
    expect(onGpu.code).toBe(1)
    expect(onProcessor.code).toBe(0)
    expect(existsSync(join(temporary, 'enlarged', 'picture_x4.png'))).toBe(true)
  })
})
