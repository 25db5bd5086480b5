import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { cleanUp, cleanUpPasses, fuseTransposes } from '../../../src/core/graph/clean-up'
import { convertOperators } from '../../../src/core/graph/conversion/convert'
import { GraphBuilder } from '../../../src/core/graph/builder'
import { ints, type Graph } from '../../../src/core/graph/graph'
import { readOnnx, writeOnnx } from '../../../src/formats/onnx'
import { enlarged, greatestDifference, picture } from '../models/plain-onnxruntime'
import { describeWithSharedData, sharedData } from '../../shared-data'

const networks = ['CARN_M_x4', 'IMDTN_x4', 'MobileSR_x4', 'SMFANetp_x4', 'CRAFT_x4', 'swinir-tiny-x4.torch-opset17']

/** A graph of transpositions of [2, 3, 4] one after the other. */
function transposing(...orders: readonly (readonly number[])[]): Graph {
  const builder = new GraphBuilder()
  const x = builder.input('x', [2, 3, 4])
  const last = orders.reduce((value, order) => builder.apply('Transpose', [value], { perm: ints(order) }), x)
  return builder.build([builder.apply('Identity', [last], {}, 'y')])
}
const ordersOf = ({ nodes }: Graph): unknown[] => nodes.map(({ op, attributes }) => [op, attributes['perm']])

describe('transpositions', () => {
  it('of transpositions become one', () => {
    const fused = fuseTransposes(transposing([1, 2, 0], [0, 2, 1], [2, 0, 1]))
    // x[i][j][k] stands at [j][k][i], then at [j][i][k], then at [k][j][i].
    expect(ordersOf(fused)).toEqual([
      ['Transpose', ints([2, 1, 0])],
      ['Identity', undefined]
    ])
  })

  it('that undo each other vanish', () => {
    expect(ordersOf(fuseTransposes(transposing([1, 2, 0], [2, 0, 1])))).toEqual([['Identity', undefined]])
  })
})

describeWithSharedData('clean-up of real networks', () => {
  /** A network as it comes from its file, in standard operators, for pictures of one size. */
  function network(name: string): { readonly graph: Graph; readonly size: readonly [number, number] } {
    const { graph, opset } = readOnnx(new Uint8Array(readFileSync(sharedData('models', `${name}.onnx`))), name)
    const size = name.includes('torch') ? ([64, 64] as const) : ([32, 48] as const)
    const inputs = graph.inputs.map((input) => ({ ...input, shape: [1, 3, ...size] }))
    return { graph: convertOperators({ ...graph, inputs }, opset), size }
  }
  const passes = Object.keys(cleanUpPasses) as (keyof typeof cleanUpPasses)[]

  it.each(networks.flatMap((name) => passes.map((pass) => [name, pass] as const)))(
    '%s gives the same, number for number, after %s',
    async (name, pass) => {
      const { graph, size } = network(name)
      const x = picture(...size)
      const expected = await enlarged(writeOnnx(graph), x, false)
      const found = await enlarged(writeOnnx(cleanUpPasses[pass](graph)), x, false)
      expect(greatestDifference(found, expected)).toBe(0)
    }
  )

  it.each(networks)('%s has nothing left to clean up after it', (name) => {
    const { graph } = network(name)
    const cleaned = cleanUp(graph)
    expect(cleaned.nodes.length).toBeLessThanOrEqual(graph.nodes.length)
    for (const pass of passes) expect(cleanUpPasses[pass](cleaned).nodes, pass).toHaveLength(cleaned.nodes.length)
    const transposed = new Set(cleaned.nodes.flatMap(({ op, outputs }) => (op === 'Transpose' ? outputs : [])))
    const again = cleaned.nodes.filter(({ op, inputs }) => op === 'Transpose' && transposed.has(inputs[0] ?? ''))
    expect(again).toEqual([])
  })
})
