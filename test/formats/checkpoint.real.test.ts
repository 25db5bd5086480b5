import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readCheckpoint } from '../../src/formats/checkpoint'
import { describeWithSharedData, sharedData } from '../shared-data'

interface Expected {
  readonly format: string
  readonly tensors: Readonly<
    Record<string, { readonly dtype: string; readonly shape: number[]; readonly sum: number; readonly abs_sum: number }>
  >
}

describeWithSharedData('real checkpoints', () => {
  const expected = JSON.parse(readFileSync(sharedData('checkpoints', 'expected.json'), 'utf8')) as Record<
    string,
    Expected
  >

  it.each(Object.entries(expected))('reads every tensor of %s as PyTorch does', async (file, entry) => {
    // The reference joins nested keys by slashes.
    const wanted = Object.fromEntries(
      Object.entries(entry.tensors).map(([name, value]) => [name.replaceAll('/', '.'), value])
    )
    const { tensors } = await readCheckpoint(sharedData('checkpoints', file))
    expect(Object.keys(wanted).filter((name) => !tensors.has(name))).toEqual([])
    expect([...tensors.keys()].filter((name) => !(name in wanted))).toEqual([])
    for (const [name, { dtype, shape, sum, abs_sum: absoluteSum }] of Object.entries(wanted)) {
      const tensor = tensors.get(name)
      expect(tensor?.type).toBe(dtype)
      expect(tensor?.shape).toEqual(shape)
      let [total, absolute] = [0, 0]
      for (const value of tensor?.data ?? []) {
        total += Number(value)
        absolute += Math.abs(Number(value))
      }
      expect(Math.abs(total - sum)).toBeLessThanOrEqual(1e-9 * Math.max(1, absoluteSum))
      expect(Math.abs(absolute - absoluteSum)).toBeLessThanOrEqual(1e-9 * Math.max(1, absoluteSum))
    }
  })

  it.each([
    ['n22_team09_imdtn.pth', 'IMDTN_x4.safetensors'],
    ['SMFANetp_x4.pth', 'SMFANetp_x4.safetensors']
  ])('reads %s and %s to the same tensors', async (pickled, safe) => {
    const a = await readCheckpoint(sharedData('checkpoints', pickled))
    const b = await readCheckpoint(sharedData('models', safe))
    const bare = (name: string): string => name.replace(/^(params_ema|params|state_dict)\./, '')
    const inA = new Map([...a.tensors].map(([name, tensor]) => [bare(name), tensor]))
    expect([...b.tensors.keys()].sort()).toEqual([...inA.keys()].sort())
    for (const [name, tensor] of b.tensors) expect(inA.get(name)).toEqual(tensor)
  })
})

describe('the bundled model', () => {
  it('has 114,592 parameters', async () => {
    const { tensors, metadata } = await readCheckpoint('resources/models/swinir-tiny-x4.safetensors')
    expect([...tensors.values()].reduce((sum, { data }) => sum + data.length, 0)).toBe(114_592)
    expect(metadata.get('upscale')).toBe('4')
  })
})
