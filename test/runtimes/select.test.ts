import { describe, expect, it } from 'vitest'
import type { Candidate } from '../../src/contract/runtimes'
import { describeMachine, type Machine } from '../../src/runtimes/machine'
import { fastestOf, probeAll, requireRuntime, type ProbeApart } from '../../src/runtimes/select'

describe('the runtime that is asked for', () => {
  it('is onnxruntime on the processor where nothing else is', async () => {
    const { name, device } = await requireRuntime()
    expect([name, device]).toEqual(['onnxruntime', 'cpu'])
  })

  it('is of tfjs the first device that loads', async () => {
    const { name, device } = await requireRuntime({ runtime: 'tfjs', device: null })
    expect([name, device]).toEqual(['tfjs', 'wasm'])
  })

  it('is not replaced by another where it does not work', async () => {
    const native = requireRuntime({ runtime: 'tfjs', device: 'node-gpu' })
    await expect(native).rejects.toThrow(/does not work here\. tfjs on node-gpu: .*without its native library/)
    const unknown = requireRuntime({ runtime: 'onnxruntime', device: 'abacus' })
    await expect(unknown).rejects.toThrow(/onnxruntime has no device "abacus" on this system; it has cpu/)
  })
})

const machine: Machine = {
  processor: 'Some processor',
  memoryBytes: 2 ** 34,
  gpus: [{ name: 'Some GPU', memoryBytes: 2 ** 33, driver: '1.2' }],
  fingerprint: 'this one'
}

describe('probing', () => {
  it('outlives a driver that ends the process, and says so', async () => {
    const candidates = await probeAll((runtime, device) => {
      const result = { version: '1', usable: true, reason: 'It ran.', speeds: [{ batch: 1, perSecond: 10 }] }
      return Promise.resolve(device === 'cpu' ? { result, code: null } : { result: null, code: 'SIGSEGV' })
    }, machine)
    expect(candidates.find(({ runtime, device }) => runtime === 'tfjs' && device === 'wasm')).toMatchObject({
      usable: false,
      reason: 'The test network ended the process that ran it (SIGSEGV).'
    })
    expect(candidates.map(({ device, hardware }) => [device, hardware?.name])).toContainEqual(['node-gpu', 'Some GPU'])
    expect(candidates[0]?.hardware).toEqual({ name: 'Some processor', memoryBytes: 2 ** 34 })
    expect(fastestOf(candidates)?.candidate).toMatchObject({ runtime: 'onnxruntime', device: 'cpu', usable: true })
    expect(fastestOf([])).toBeNull()
  })

  it('says of NVIDIA’s devices that there is none, where there is none', async () => {
    const fails: ProbeApart = () =>
      Promise.resolve({ result: { version: '1', usable: false, reason: 'As it says.', speeds: [] }, code: null })
    const reasons = async (gpus: Machine['gpus']): Promise<readonly (readonly string[])[]> =>
      (await probeAll(fails, { ...machine, gpus })).map(({ device, reason }) => [device, reason])
    const none = await reasons([])
    expect(none).toContainEqual(['wasm', 'As it says.'])
    for (const [device = '', reason] of none.filter(([device]) => device === 'cuda' || device === 'tensorrt')) {
      expect([device, reason]).toEqual([device, 'It needs an NVIDIA GPU and its driver, and none was found here.'])
      expect(await reasons(machine.gpus)).toContainEqual([device, 'As it says.'])
    }
  })
})

const candidate = (device: string, speeds: Candidate['speeds'], usable = true): Candidate => {
  return { runtime: 'onnxruntime', device, version: '1', usable, reason: '', speeds, hardware: null }
}

describe('the fastest', () => {
  it('is the one that computes most at its own best batch', () => {
    const cpu = candidate('cpu', [
      { batch: 1, perSecond: 20 },
      { batch: 4, perSecond: 25 }
    ])
    const gpu = candidate('webgpu', [
      { batch: 1, perSecond: 5 },
      { batch: 16, perSecond: 80 }
    ])
    const broken = candidate('cuda', [{ batch: 16, perSecond: 900 }], false)
    const found = fastestOf([cpu, gpu, broken])
    expect(found?.candidate).toBe(gpu)
    expect(found?.why).toBe(
      'onnxruntime on webgpu (80.0 a second at batches of 16) computes most pictures of the test network; ' +
        'next is onnxruntime on cpu (25.0 a second at batches of 4).'
    )
    expect(fastestOf([cpu])?.why).toMatch(/nothing else works here\.$/)
  })
})

describe('this machine', () => {
  it('tells of GPUs what NVIDIA’s driver tells, and is another one with another driver', async () => {
    const told = (driver: string): Promise<string> => Promise.resolve(`NVIDIA H100 80GB HBM3, 81559, ${driver}\n`)
    const [one, same, other] = await Promise.all(['580.1', '580.1', '581.0'].map((d) => describeMachine(() => told(d))))
    expect(one?.gpus).toEqual([{ name: 'NVIDIA H100 80GB HBM3', memoryBytes: 81559 * 2 ** 20, driver: '580.1' }])
    expect(same?.fingerprint).toBe(one?.fingerprint)
    expect(other?.fingerprint).not.toBe(one?.fingerprint)
  })

  it('has no GPU where that driver is not there', async () => {
    const { gpus, processor } = await describeMachine(() => Promise.reject(new Error('no such program')))
    expect(gpus).toEqual([])
    expect(processor).not.toBe('')
  })
})
