import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema } from 'onnx-buf'
import { beforeAll, expect, it } from 'vitest'
import { evaluateResultSchema, inspectResultSchema } from '../../src/contract/results'
import { writeTestPicture } from '../pictures'
import { describeWithSharedData, sharedData } from '../shared-data'
import { json, runCli, temporaryFolder } from './run-cli'

const folder = temporaryFolder()
const set = join(folder, 'set')

beforeAll(async () => {
  await writeTestPicture(join(set, 'HR', 'a.png'), 132, 96)
})

/** A CNN that shares weights, and a transformer whose sizes are multiples of eight. */
describeWithSharedData('real networks from ONNX files, on the command line', () => {
  it.each([
    ['CARN_M_x4', 64],
    ['MobileSR_x4', 106]
  ])('%s is inspected', async (name, quantizers) => {
    const model = sharedData('models', `${name}.onnx`)
    const facts = inspectResultSchema.parse(json(await runCli(['inspect', model, '--json'])))
    expect(facts).toMatchObject({ scale: 4, channels: 3 })
    expect(facts.quantizable).toHaveLength(quantizers)
    expect(facts.operators.reduce((sum, { macs }) => sum + macs, 0)).toBe(facts.macs.total)
    expect(facts.operators.reduce((sum, { parameters }) => sum + parameters, 0)).toBe(facts.parameters)
  })

  it('patches of a size that a network does not take are refused', async () => {
    const model = sharedData('models', 'MobileSR_x4.onnx')
    const quantize = ['quantize', model, '--calibration', set, '--patch-size', '20', '--out', join(folder, 'odd')]
    const { code, stderr } = await runCli(quantize)
    expect([code, stderr]).toEqual([1, expect.stringMatching(/multiples of 8 .*--patch-size 24/)])
  })

  it.each([
    ['0 to 255', 0, 255],
    ['−1 to 1', -1, 1]
  ])('the range %s is found by looking', async (_, black, white) => {
    const path = join(folder, `of ${white}.onnx`)
    writeFileSync(path, ofRange(readFileSync(sharedData('models', 'CARN_M_x4.onnx')), black, white))
    const [found, plain] = await Promise.all(
      [path, sharedData('models', 'CARN_M_x4.onnx')].map(async (model) => {
        const { results } = evaluateResultSchema.parse(json(await runCli(['evaluate', model, '--set', set, '--json'])))
        return results[0]?.sets[0]?.mean.psnr ?? NaN
      })
    )
    expect(Math.abs((found ?? NaN) - (plain ?? NaN))).toBeLessThan(0.01)
  })
})

/** The same network for values between others than 0 and 1, without a word of it. */
function ofRange(bytes: Uint8Array, black: number, white: number): Uint8Array {
  const model = fromBinary(ModelProtoSchema, bytes)
  const { graph } = model
  if (graph === undefined) throw new Error('no graph')
  const scalar = (name: string, value: number) => ({ name, dataType: 1, dims: [], floatData: [value] })
  const step = (opType: string, input: string[], output: string) => ({ opType, input, output: [output], name: output })
  for (const node of graph.node) {
    node.input = node.input.map((name) => (name === 'lr' ? 'unit' : name))
    node.output = node.output.map((name) => (name === 'sr' ? 'unit.sr' : name))
  }
  const added = create(ModelProtoSchema, {
    graph: {
      initializer: [scalar('black', black), scalar('span', white - black)],
      node: [
        step('Sub', ['lr', 'black'], 'above'),
        step('Div', ['above', 'span'], 'unit'),
        step('Mul', ['unit.sr', 'span'], 'wide'),
        step('Add', ['wide', 'black'], 'sr')
      ]
    }
  }).graph
  graph.initializer.push(...(added?.initializer ?? []))
  graph.node.push(...(added?.node ?? []))
  model.metadataProps = []
  return toBinary(ModelProtoSchema, model)
}
