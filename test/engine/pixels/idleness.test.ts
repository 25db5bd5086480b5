import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Idleness } from '../../../src/engine/pixels/idleness'
import type { Service } from '../../../src/engine/service/server'

const end = vi.fn()
const asked = { signal: new AbortController().signal }
let finish: () => void = () => undefined
const service: Service = {
  call: (name) => {
    if (name === 'wrong') throw new Error('wrong')
    return new Promise<string>((resolve) => {
      finish = () => {
        resolve(name)
      }
    })
  },
  feed: () => {
    throw new Error('There is none')
  }
}
beforeEach(() => vi.useFakeTimers())
afterEach(() => {
  vi.useRealTimers()
  end.mockClear()
})

it('a process is not needed some minutes after the last call, and never during one', async () => {
  const idleness = new Idleness(end)
  idleness.open()
  const watched = idleness.watch(service)
  vi.advanceTimersByTime(179_000)
  const call = watched.call('a', {}, asked)
  vi.advanceTimersByTime(1_000_000)
  expect(end).not.toHaveBeenCalled()
  finish()
  expect(await call).toBe('a')
  vi.advanceTimersByTime(179_000)
  await expect(watched.call('wrong', {}, asked)).rejects.toThrow('wrong')
  vi.advanceTimersByTime(179_000)
  expect(end).not.toHaveBeenCalled()
  vi.advanceTimersByTime(2000)
  expect(end).toHaveBeenCalledTimes(1)
})

it('a process is not needed soon after the last window is gone, unless there is another', () => {
  const idleness = new Idleness(end)
  const [first, second] = [idleness.open(), idleness.open()]
  first()
  vi.advanceTimersByTime(20_000)
  second()
  vi.advanceTimersByTime(9000)
  const third = idleness.open()
  vi.advanceTimersByTime(20_000)
  expect(end).not.toHaveBeenCalled()
  third()
  vi.advanceTimersByTime(10_000)
  expect(end).toHaveBeenCalledTimes(1)
})
