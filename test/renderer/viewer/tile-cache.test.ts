import { describe, expect, it } from 'vitest'
import type { Pixels } from '../../../src/contract/pixels'
import type { PyramidPicture } from '../../../src/renderer/viewer/pyramid'
import { TileCache, type TileArgs, type WantedTile } from '../../../src/renderer/viewer/tile-cache'

interface Ask {
  readonly args: TileArgs
  readonly signal: AbortSignal
  answer(isComplete?: boolean): Promise<void>
  fail(code: string): Promise<void>
}

const side = 4
const tileBytes = 4 * side * side

function picture(path: string): PyramidPicture {
  return { key: path, source: { kind: 'file', path }, difference: null, width: 64, height: 64, factor: 1 }
}
function tile(path: string, column: number, version = 0): WantedTile {
  return { picture: picture(path), place: { level: 0, column, row: 0 }, version }
}

/** Lets everything that waits for nothing else happen. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A process that reads pictures, played by the test. */
function begin({ bytes = 100 * tileBytes, atOnce = 2 } = {}): {
  readonly cache: TileCache<{ width: number; height: number; close(): void }>
  readonly asks: Ask[]
  readonly open: Set<object>
  changes(): number
} {
  const asks: Ask[] = []
  const open = new Set<object>()
  let changes = 0
  const ask = (args: TileArgs, signal: AbortSignal): Promise<Pixels> =>
    new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => {
        reject(new Error('cancelled'))
      })
      asks.push({
        args,
        signal,
        answer: (isComplete = true) => {
          resolve({ width: side, height: side, rgba: new Uint8Array(tileBytes), isComplete })
          return settle()
        },
        fail: (code) => {
          reject(Object.assign(new Error(`it is ${code}`), { code }))
          return settle()
        }
      })
    })
  const makeImage = ({ width, height }: Pixels): Promise<{ width: number; height: number; close(): void }> => {
    const image = { width, height, close: () => open.delete(image) }
    open.add(image)
    return Promise.resolve(image)
  }
  const onChange = (): void => {
    changes++
  }
  const cache = new TileCache({ ask, makeImage, onChange, bytes, atOnce })
  return { cache, asks, open, changes: () => changes }
}

const columns = (asks: readonly Ask[]): readonly number[] => asks.map(({ args }) => args.column)

describe('tiles of pictures', () => {
  it('are asked for in order, few at a time, and once', async () => {
    const { cache, asks, changes } = begin()
    const wanted = [3, 1, 2].map((column) => tile('a', column))
    cache.want(wanted)
    cache.want(wanted)
    expect(columns(asks)).toEqual([3, 1])
    expect(cache.imageAt('a', { level: 0, column: 3, row: 0 })).toBeNull()
    expect(cache.isSettled).toBe(false)
    await asks[0]?.answer()
    expect(columns(asks)).toEqual([3, 1, 2])
    expect(cache.imageAt('a', { level: 0, column: 3, row: 0 })).not.toBeNull()
    await asks[1]?.answer()
    await asks[2]?.answer()
    cache.want(wanted)
    expect(asks).toHaveLength(3)
    expect(cache.isSettled).toBe(true)
    expect(changes()).toBe(3)
  })

  it('are given up where they are not wanted any more, and asked for again where they are', async () => {
    const { cache, asks } = begin()
    cache.want([tile('a', 1), tile('a', 2)])
    cache.want([tile('a', 2), tile('a', 3)])
    expect(asks[0]?.signal.aborted).toBe(true)
    expect(asks[1]?.signal.aborted).toBe(false)
    await settle()
    expect(columns(asks)).toEqual([1, 2, 3])
    cache.want([tile('a', 1)])
    await settle()
    expect(columns(asks)).toEqual([1, 2, 3, 1])
    // Giving up is no failure.
    expect(cache.failureOf(picture('a').source)).toBeNull()
  })

  it('that are not complete are asked for again once there is more, and are seen meanwhile', async () => {
    const { cache, asks } = begin()
    cache.want([tile('a', 1, 1)])
    await asks[0]?.answer(false)
    const first = cache.imageAt('a', { level: 0, column: 1, row: 0 })
    cache.want([tile('a', 1, 1)])
    expect(asks).toHaveLength(1)
    cache.want([tile('a', 1, 2)])
    expect(asks).toHaveLength(2)
    expect(cache.imageAt('a', { level: 0, column: 1, row: 0 })).toBe(first)
    await asks[1]?.answer(true)
    expect(cache.imageAt('a', { level: 0, column: 1, row: 0 })).not.toBe(first)
    cache.want([tile('a', 1, 3)])
    expect(asks).toHaveLength(2)
  })

  it('take no more room than they may, however many pictures are switched, and all are freed', async () => {
    const { cache, asks, open } = begin({ bytes: 3 * tileBytes })
    let answered = 0
    for (let i = 0; i < 200; i++) {
      cache.want([tile(`${i}`, 0), tile(`${i}`, 1)])
      await settle()
      for (; answered < asks.length; answered++) await asks[answered]?.answer()
      expect(cache.bytes).toBeLessThanOrEqual(3 * tileBytes)
      expect(open.size * tileBytes).toBe(cache.bytes)
    }
    expect(asks).toHaveLength(400)
    cache.close()
    expect(open.size).toBe(0)
    expect(cache.bytes).toBe(0)
  })

  it('go in the order in which they were drawn, and never while they are wanted', async () => {
    const { cache, asks } = begin({ bytes: 2 * tileBytes })
    const at = (column: number): unknown => cache.imageAt('a', { level: 0, column, row: 0 })
    for (const [i, column] of [1, 2].entries()) {
      cache.want([tile('a', column)])
      await asks[i]?.answer()
    }
    expect(at(1)).not.toBeNull()
    cache.want([tile('a', 3)])
    await asks[2]?.answer()
    expect([at(1) === null, at(2) === null, at(3) === null]).toEqual([false, true, false])
    const many = [1, 3, 4, 5].map((column) => tile('a', column))
    cache.want(many)
    await asks[3]?.answer()
    await asks[4]?.answer()
    expect([1, 3, 4, 5].every((column) => at(column) !== null)).toBe(true)
  })

  it('that cannot be had are not asked for without end, and say why', async () => {
    const { cache, asks, changes } = begin()
    cache.want([tile('a', 1)])
    await asks[0]?.fail('data')
    cache.want([tile('a', 1)])
    expect(asks).toHaveLength(1)
    expect(cache.failureOf(picture('a').source)).toBe('it is data')
    expect(cache.failureOf(picture('b').source)).toBeNull()
    expect(cache.isSettled).toBe(true)
    expect(changes()).toBe(1)
    cache.retry()
    expect(asks).toHaveLength(2)
    await asks[1]?.answer()
    expect(cache.failureOf(picture('a').source)).toBeNull()
  })

  it('are asked for again where the process that reads them ended, three times', async () => {
    const { cache, asks } = begin()
    cache.want([tile('a', 1)])
    for (let i = 0; i < 3; i++) await asks[i]?.fail('lost')
    expect(asks).toHaveLength(3)
    expect(cache.failureOf(picture('a').source)).toBe('it is lost')
  })
})
