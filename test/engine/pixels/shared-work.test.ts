import { describe, expect, it } from 'vitest'
import type { Pixels } from '../../../src/contract/pixels'
import { LevelCache } from '../../../src/engine/pixels/level-cache'
import { SharedWork } from '../../../src/engine/pixels/shared-work'

/** Work that is done when it is told to, and says what became of it. */
function work<T>(): { readonly shared: SharedWork<T>; finish(value: T): void; readonly isStopped: () => boolean } {
  let finish: (value: T) => void = () => undefined
  let stopped = false
  const shared = new SharedWork<T>(
    (signal) =>
      new Promise((resolve, reject) => {
        finish = resolve
        signal.addEventListener('abort', () => {
          stopped = true
          reject(signal.reason as Error)
        })
      })
  )
  return {
    shared,
    finish: (value) => {
      finish(value)
    },
    isStopped: () => stopped
  }
}

describe('work that several wait for', () => {
  it('goes on for those who wait when others give up', async () => {
    const { shared, finish, isStopped } = work<number>()
    const [first, second] = [new AbortController(), new AbortController()]
    const [given, waited] = [shared.join(first.signal), shared.join(second.signal)]
    first.abort(new Error('given up'))
    await expect(given).rejects.toThrow('given up')
    expect([isStopped(), shared.isGivenUp]).toEqual([false, false])
    finish(7)
    expect(await waited).toBe(7)
    second.abort(new Error('too late'))
    expect(shared.isGivenUp).toBe(false)
    expect(await shared.join(new AbortController().signal)).toBe(7)
  })

  it('is given up once nobody waits any more', async () => {
    const { shared, isStopped } = work<number>()
    const controllers = [new AbortController(), new AbortController()]
    const waiting = controllers.map(({ signal }) => shared.join(signal))
    for (const controller of controllers) controller.abort(new Error('given up'))
    for (const each of waiting) await expect(each).rejects.toThrow('given up')
    expect([isStopped(), shared.isGivenUp]).toEqual([true, true])
    await expect(shared.join(AbortSignal.abort(new Error('before')))).rejects.toThrow('before')
  })
})

it('what a cache was making when it was given up is made anew for the next one', async () => {
  const cache = new LevelCache(1e6)
  const pixels: Pixels = { width: 1, height: 1, rgba: new Uint8Array(4), isComplete: true }
  const controller = new AbortController()
  let stopped = 0
  const never = (signal: AbortSignal): Promise<Pixels> =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        stopped++
        reject(signal.reason as Error)
      })
    })
  const first = cache.get('a', never, controller.signal)
  controller.abort(new Error('given up'))
  const second = cache.get('a', () => Promise.resolve(pixels), new AbortController().signal)
  await expect(first).rejects.toThrow('given up')
  expect([await second, stopped, cache.bytes]).toEqual([pixels, 1, 4])
  expect(await cache.get('a', never, new AbortController().signal)).toBe(pixels)
})
