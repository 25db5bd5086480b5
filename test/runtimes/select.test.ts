import { describe, expect, it } from 'vitest'
import { probeAll, requireRuntime, usualCandidate } from '../../src/runtimes/select'

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

describe('probing', () => {
  it('outlives a driver that ends the process, and says so', async () => {
    const candidates = await probeAll((runtime, device) => {
      const result = { version: '1', usable: true, reason: 'It ran.', seconds: 0.1 }
      return Promise.resolve(device === 'cpu' ? { result, code: null } : { result: null, code: 'SIGSEGV' })
    })
    expect(candidates.find(({ runtime, device }) => runtime === 'tfjs' && device === 'wasm')).toMatchObject({
      usable: false,
      reason: 'The test network ended the process that ran it (SIGSEGV).'
    })
    expect(usualCandidate(candidates)).toMatchObject({ runtime: 'onnxruntime', device: 'cpu', usable: true })
    expect(usualCandidate([])).toBeNull()
  })
})
