import { afterAll, describe, expect, it } from 'vitest'
import { bindInputs, foldConstants } from '../../../src/core/graph/fold'
import { detectModel } from '../../../src/core/models/detect'
import { sizes } from '../../../src/core/models/model'
import type { Session } from '../../../src/core/runtime'
import type { TensorOf } from '../../../src/core/tensor'
import { onnxruntimeCpu } from '../../../src/runtimes/onnxruntime'
import { deviation, goldenJson, goldenTensors, under } from '../../golden'

const cases = goldenJson('forward/cases.json') as { readonly file: string; readonly config: Record<string, unknown> }[]

/** Largest deviation allowed, relative to the range of the output. */
const tolerance = 1e-5

describe.each(cases)('forward of $file', ({ file, config }) => {
  const golden = goldenTensors(`forward/${file}`)
  const weights = under(golden.tensors, 'weight/')
  const inputs = [...under(golden.tensors, 'input/')]
  const model = detectModel({ tensors: weights, metadata: golden.metadata }, file)
  const sessions: Promise<Session>[] = []

  afterAll(async () => {
    for (const session of sessions) await (await session).dispose()
  })

  function expectGolden(output: TensorOf<'float32'> | undefined, key: string): void {
    const expected = golden.tensors.get(`output/${key}`)
    expect(output?.shape).toEqual(expected?.shape)
    const { largest, range } = deviation(output?.data ?? [], expected?.data ?? [])
    expect(largest).toBeLessThanOrEqual(tolerance * range)
  }

  it('detects scale and channels', () => {
    expect(model.scale).toBe(config['upscale'])
    expect(model.channels).toBe(config['in_chans'] ?? config['num_in_ch'] ?? 3)
    for (const [name, value] of Object.entries(model.config)) {
      if (name in config) expect(value).toEqual(config[name])
    }
    const count = [...weights.values()].reduce((sum, { data }) => sum + data.length, 0)
    expect(model.parameters).toBe(count)
  })

  it.each(inputs)('agrees with the authors’ code on input %s, any size', async (key, input) => {
    const session = onnxruntimeCpu.load(model.graph, { threads: 1 })
    sessions.push(session)
    const output = (await (await session).run(new Map([['lr', input]]))).get('sr')
    expectGolden(output?.type === 'float32' ? output : undefined, key)
  })

  it.each(inputs)('agrees with the authors’ code on input %s, fixed size', async (key, input) => {
    const [, , height = 0, width = 0] = input.shape
    const fixed = foldConstants(
      bindInputs(
        model.graph,
        new Map([
          [sizes.height, height],
          [sizes.width, width]
        ])
      )
    )
    const dynamicOperators = ['Shape', 'Range', 'Mod', 'Where', 'Equal', 'Cast']
    expect(
      fixed.nodes.filter(({ op }) => dynamicOperators.includes(op) && model.multiple > 1).map(({ op }) => op)
    ).not.toContain('Range')
    const session = onnxruntimeCpu.load(fixed, { threads: 1 })
    sessions.push(session)
    const output = (await (await session).run(new Map([['lr', input]]))).get('sr')
    expectGolden(output?.type === 'float32' ? output : undefined, key)
  })
})
