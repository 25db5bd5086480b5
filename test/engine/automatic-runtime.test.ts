import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ProbeResult } from '../../src/contract/runtimes'
import { runtimeFor } from '../../src/engine/automatic-runtime'
import { memoryIn } from '../../src/engine/job'
import { doctor, knownDiagnosis } from '../../src/engine/jobs/doctor'
import { onnxruntimeCpu } from '../../src/runtimes/onnxruntime'
import type { ProbeApart } from '../../src/runtimes/select'
import { temporaryFolder } from '../cli/run-cli'

const folder = temporaryFolder()
const warnings: string[] = []
const warn = (message: string): void => {
  warnings.push(message)
}
const isFastest =
  (fastest: string): ProbeApart =>
  (runtime, device) => {
    const perSecond = `${runtime} ${device}` === fastest ? 100 : 10
    const result: ProbeResult = { version: '1', usable: true, reason: '', speeds: [{ batch: 4, perSecond }] }
    return Promise.resolve({ result, code: null })
  }

describe('where nothing is asked for', () => {
  it('the processor’s onnxruntime is taken before anything was measured', async () => {
    const file = join(folder, 'nothing.json')
    expect(await runtimeFor(null, file, warn)).toMatchObject({ name: 'onnxruntime', device: 'cpu' })
    expect(existsSync(file)).toBe(false)
  })

  it('what was measured fastest is taken, without being measured again', async () => {
    const file = join(folder, 'new', 'wasm.json')
    const measured = await doctor(file, isFastest('tfjs wasm'))
    expect(measured.chosen).toEqual({ runtime: 'tfjs', device: 'wasm' })
    expect(await knownDiagnosis(file)).toEqual(measured)
    expect(await runtimeFor(null, file, warn)).toMatchObject({ name: 'tfjs', device: 'wasm' })
    expect(await runtimeFor({ runtime: 'onnxruntime', device: null }, file, warn)).toMatchObject({ device: 'cpu' })
    expect(warnings).toEqual([])
  })

  it('what was measured counts no more once a version or a driver is another, or where it cannot be read', async () => {
    const file = join(folder, 'old.json')
    await doctor(file, isFastest('tfjs wasm'))
    const { fingerprint, ...rest } = JSON.parse(readFileSync(file, 'utf8')) as { fingerprint: string }
    writeFileSync(file, JSON.stringify({ fingerprint: `${fingerprint} and a new driver`, ...rest }))
    expect(await knownDiagnosis(file)).toBeNull()
    expect(await runtimeFor(null, file, warn)).toMatchObject({ name: 'onnxruntime', device: 'cpu' })
    writeFileSync(file, 'damaged')
    expect(await knownDiagnosis(file)).toBeNull()
  })

  it('the processor computes where the fastest works no more, and that is said', async () => {
    const file = join(folder, 'gone.json')
    await doctor(file, isFastest('tfjs node-gpu'))
    expect(await runtimeFor(null, file, warn)).toMatchObject({ name: 'onnxruntime', device: 'cpu' })
    expect(warnings.splice(0)).toEqual([
      expect.stringMatching(/tfjs on node-gpu: .*The processor computes instead\.$/) as unknown
    ])
  })
})

describe('memory for the values of networks', () => {
  const context = { runtime: { ...onnxruntimeCpu, memoryBytes: 2 ** 33 }, emit: () => undefined }

  it('is half of the device’s own, or what the user says', () => {
    expect(memoryIn(context, undefined).cap).toBe(2 ** 32)
    expect(memoryIn(context, 2 ** 20).cap).toBe(2 ** 20)
  })

  it('is half of what is free where the processor computes', () => {
    const { cap } = memoryIn({ ...context, runtime: onnxruntimeCpu }, undefined)
    expect(cap).toBeGreaterThan(0)
    expect(cap).toBeLessThanOrEqual(totalmem() / 2)
  })
})
