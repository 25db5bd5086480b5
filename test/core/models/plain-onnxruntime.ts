import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { floatTensor, type TensorOf } from '../../../src/core/tensor'
import { sessionOptions } from '../../../src/runtimes/onnxruntime'
import { testPicture } from '../../pictures'

/** A picture as networks take it: [1, 3, height, width], from 0 to 1. */
export function picture(height: number, width: number): TensorOf<'float32'> {
  const { data } = testPicture(width, height)
  return floatTensor(
    Float32Array.from(data, (sample) => sample / 255),
    [1, 3, height, width]
  )
}

/** What plain onnxruntime makes of a file, given as its bytes or its path. */
export async function enlarged(
  file: Uint8Array | string,
  x: TensorOf<'float32'>,
  optimize = true
): Promise<Float32Array> {
  const options = {
    ...sessionOptions({ threads: 1 }),
    ...(!optimize && { graphOptimizationLevel: 'disabled' as const })
  }
  const session = await (typeof file === 'string'
    ? InferenceSession.create(file, options)
    : InferenceSession.create(file, options))
  const [input = ''] = session.inputNames
  const [output = ''] = session.outputNames
  const results = await session.run({ [input]: new OrtTensor('float32', x.data, x.shape) })
  await session.release()
  const data = results[output]?.data
  if (!(data instanceof Float32Array)) throw new Error('no picture')
  return data
}

/** The greatest difference between elements of two arrays; NaN where their lengths differ. */
export function greatestDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return NaN
  return a.reduce((greatest, value, i) => Math.max(greatest, Math.abs(value - (b[i] ?? NaN))), 0)
}
