import * as tf from '@tensorflow/tfjs-core'
import type { Tensor } from '@tensorflow/tfjs-core'
import { floatAttribute, intAttribute, stringAttribute, type Node } from '../../../core/graph/graph'
import { input, notHere, outputShape, type Application, type Kernel } from './kernel'

/** The samples that one output position is made of: positions on the input's axis, and their weights. */
type Taps = readonly (readonly [position: number, weight: number])[]

/** Where an output position lies on the input's axis (ONNX's `coordinate_transformation_mode`). */
function sourceOf(node: Node, position: number, scale: number, from: number, to: number): number {
  const mode = stringAttribute(node, 'coordinate_transformation_mode', 'half_pixel')
  switch (mode) {
    case 'half_pixel':
      return (position + 0.5) / scale - 0.5
    case 'pytorch_half_pixel':
      return to > 1 ? (position + 0.5) / scale - 0.5 : 0
    case 'asymmetric':
      return position / scale
    case 'align_corners':
      return to > 1 ? (position * (from - 1)) / (to - 1) : 0
    default:
      throw notHere(node, `the coordinates "${mode}"`)
  }
}

const nearest: Readonly<Record<string, (at: number) => number>> = {
  round_prefer_floor: (at) => Math.ceil(at - 0.5),
  round_prefer_ceil: (at) => Math.floor(at + 0.5),
  floor: Math.floor,
  ceil: Math.ceil
}

function tapsOf(node: Node, source: number, size: number): Taps {
  const mode = stringAttribute(node, 'mode', 'nearest')
  const within = (position: number): number => Math.min(Math.max(position, 0), size - 1)
  if (mode === 'nearest') {
    const rounding = stringAttribute(node, 'nearest_mode', 'round_prefer_floor')
    return [[within((nearest[rounding] ?? Math.round)(source)), 1]]
  }
  const floor = Math.floor(source)
  const fraction = source - floor
  if (mode === 'linear') {
    return [
      [within(floor), 1 - fraction],
      [within(floor + 1), fraction]
    ]
  }
  if (mode !== 'cubic') throw notHere(node, `the mode "${mode}"`)
  const a = floatAttribute(node, 'cubic_coeff_a', -0.75)
  // Keys' kernel at the distances of four samples.
  const near = (x: number): number => ((a + 2) * x - (a + 3)) * x * x + 1
  const far = (x: number): number => ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
  const weights = [far(1 + fraction), near(fraction), near(1 - fraction), far(2 - fraction)]
  const isInside = (position: number): boolean => position >= 0 && position < size
  const leavesOut = intAttribute(node, 'exclude_outside', 0) === 1
  const kept = weights.map((weight, i) => (leavesOut && !isInside(floor - 1 + i) ? 0 : weight))
  const sum = kept.reduce((total, weight) => total + weight, 0)
  return kept.map((weight, i) => [within(floor - 1 + i), leavesOut ? weight / sum : weight])
}

/** One axis after the other, each output position the weighted sum of some input positions. */
export const resize: Kernel = (at) => {
  const { node } = at
  if (intAttribute(node, 'antialias', 0) === 1) throw notHere(node, 'antialiasing')
  const shape = outputShape(at)
  const scales = scalesOf(at)
  return shape.reduce<Tensor>(
    (resized, to, axis) => {
      const from = resized.shape[axis] ?? 0
      const scale = scales?.[axis] ?? to / from
      if (from === to && scale === 1) return resized
      const taps = Array.from({ length: to }, (_, i) => tapsOf(node, sourceOf(node, i, scale, from, to), from))
      const weightShape = shape.map((_, i) => (i === axis ? to : 1))
      const parts = (taps[0] ?? []).map((_, tap): Tensor => {
        const positions = tf.tensor1d(Int32Array.from(taps, (each) => each[tap]?.[0] ?? 0))
        const weights = Float32Array.from(taps, (each) => each[tap]?.[1] ?? 0)
        const part = tf.gather(resized, positions, axis)
        return weights.every((weight) => weight === 1) ? part : tf.mul(part, tf.tensor(weights, weightShape))
      })
      return parts.reduce((sum, part) => tf.add(sum, part))
    },
    input(at, 0)
  )
}

/** Null where the output's size is given instead. */
function scalesOf({ operands }: Application): readonly number[] | null {
  const known = operands[2]?.known ?? []
  return known.length === 0 ? null : known.map(Number)
}
