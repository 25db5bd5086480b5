import { describe, expect, it } from 'vitest'
import { OutOfMemoryError, StudioError } from '../../src/core/errors'
import { GraphBuilder } from '../../src/core/graph/builder'
import { symbol } from '../../src/core/graph/dimension'
import { floatTensor } from '../../src/core/tensor'
import { onnxruntimeCpu } from '../../src/runtimes/onnxruntime'
import { runFailure } from '../../src/runtimes/run-failure'

describe('a run that fails', () => {
  it('for want of memory is told from others by what onnxruntime says', async () => {
    const builder = new GraphBuilder()
    const x = builder.input('x', [symbol('n'), 1])
    const session = await onnxruntimeCpu.load(builder.build([builder.add(x, builder.transpose(x, [1, 0]), 'y')]))
    // 16 TiB of sums.
    const many = floatTensor(new Float32Array(2 ** 21), [2 ** 21, 1])
    await expect(session.run(new Map([['x', many]]))).rejects.toBeInstanceOf(OutOfMemoryError)
    const misshapen = session.run(new Map([['x', floatTensor([1, 2], [1, 2])]]))
    await expect(misshapen).rejects.toThrow(/onnxruntime could not run this model/)
    await expect(misshapen).rejects.not.toBeInstanceOf(OutOfMemoryError)
    await session.dispose()
  })

  it.each([
    ['tfjs', 'OOM when allocating tensor with shape[1,60,4096,4096]', true],
    ['tfjs', 'memory access out of bounds', true],
    ['onnxruntime', 'CUDA failure 2: out of memory ; GPU=0', true],
    ['onnxruntime', 'std::bad_alloc', true],
    ['onnxruntime', 'WebGPU validation failed. [Invalid Buffer (unlabeled)] is invalid due to a previous error.', true],
    ['onnxruntime', 'Array buffer allocation failed', true],
    ['onnxruntime', 'Non-zero status code returned while running Add node', false]
  ])('on %s says "%s"', (runtime, said, isShort) => {
    const failure = runFailure(runtime, new Error(`${said}\n  at somewhere`))
    expect(failure.message).toBe(`${runtime} could not run this model: ${said}`)
    expect(failure instanceof OutOfMemoryError).toBe(isShort)
  })

  it('keeps what is said already', () => {
    const said = new StudioError('refused', 'no')
    expect(runFailure('tfjs', said)).toBe(said)
  })
})
