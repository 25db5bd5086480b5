import { int, ints, string } from '../../src/core/graph/graph'
import { floatTensor, type TensorOf } from '../../src/core/tensor'
import { onnxFile, type WrittenNode } from './onnx-writer'

const weights = (...shape: readonly number[]): TensorOf<'float32'> =>
  floatTensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (((i * 7) % 11) - 5) / 50),
    shape
  )

/**
 * An ONNX file of three convolutions that enlarge by two, as an exporter writes them, the middle one within a residual block.
 *
 * @param branch further nodes that make `h` of what the middle one gives, `g`
 */
export function smallNetwork(branch: readonly WrittenNode[] = []): Uint8Array {
  const padded = { pads: ints([1, 1, 1, 1]) }
  const added = branch.length > 0 ? 'h' : 'g'
  return onnxFile({
    opset: 17,
    inputs: [{ name: 'x', shape: ['N', 3, 'H', 'W'] }],
    outputs: ['y'],
    constants: {
      'head.weight': weights(8, 3, 3, 3),
      'body.weight': weights(8, 8, 3, 3),
      'tail.weight': weights(12, 8, 3, 3)
    },
    metadata: { range: '0..1' },
    nodes: [
      { op: 'Conv', name: '/head/Conv', inputs: ['x', 'head.weight'], outputs: ['f'], attributes: padded },
      { op: 'Conv', name: '/body/Conv', inputs: ['f', 'body.weight'], outputs: ['g'], attributes: padded },
      ...branch,
      { op: 'Add', name: '/Add', inputs: ['f', added], outputs: ['r'] },
      { op: 'Conv', name: '/tail/Conv', inputs: ['r', 'tail.weight'], outputs: ['t'], attributes: padded },
      {
        op: 'DepthToSpace',
        name: '/up/DepthToSpace',
        inputs: ['t'],
        outputs: ['y'],
        attributes: { blocksize: int(2), mode: string('CRD') }
      }
    ]
  })
}
