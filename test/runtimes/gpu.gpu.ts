import { describe, expect, it } from 'vitest'
import { requireRuntime } from '../../src/runtimes/select'
import { testedRuntime } from '../runtime'
import { expectSameOutput, expectSameQuantization, within32Bits } from './compare'

/** What is computed with codes as bytes is not: graphs for a GPU have them as numbers (core/quantization/number-codes.ts). */
const onBytes = new Set(['QuantizeLinear', 'DequantizeLinear', 'BitShift'])
const computed = within32Bits.filter(({ each: [op] }) => !onBytes.has(op))

describe(`onnxruntime on ${testedRuntime.device}`, () => {
  it('is found usable', async () => {
    const { device } = await requireRuntime({ runtime: 'onnxruntime', device: testedRuntime.device })
    expect(device).toBe(testedRuntime.device)
  })

  it.each(computed)('has $title as the processor has it', async ({ each }) => {
    await expectSameOutput(testedRuntime, each)
  })

  it('gives the bundled model the bounds and the PSNR that the processor gives it', async () => {
    await expectSameQuantization(testedRuntime)
  })
})
