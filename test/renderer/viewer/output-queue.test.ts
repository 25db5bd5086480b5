import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Pane } from '../../../src/renderer/viewer/scene'
import {
  isAllThere,
  nextTile,
  OutputQueue,
  type OutputTile,
  type Wish
} from '../../../src/renderer/viewer/output-queue'

const output = (id: string, done: readonly string[] = []): Pane => ({
  id,
  kind: 'variant',
  title: id,
  source: { kind: 'tiles', folder: id, width: 1000, height: 600, side: 200 },
  width: 1000,
  height: 600,
  psnr: null,
  ssim: null,
  output: { columns: 5, rows: 3, side: 200, done: new Set(done), failure: null }
})
const all = { left: 0, top: 0, width: 1000, height: 600 }
const wishFor = (panes: readonly Pane[], change: Partial<Wish> = {}): Wish => ({
  scene: { width: 1000 },
  panes,
  visible: all,
  alone: null,
  whole: null,
  ...change
})
const progressOf = (panes: readonly Pane[]): Map<string, NonNullable<Pane['output']>> =>
  new Map(panes.flatMap(({ id, output }) => (output === null ? [] : [[id, output]])))

/** A network that makes tiles when it is told to. */
function network(): {
  readonly make: (tile: OutputTile, signal: AbortSignal) => Promise<void>
  readonly asked: OutputTile[]
  readonly finish: (failure?: string) => Promise<void>
} {
  const asked: OutputTile[] = []
  let end: (failure?: string) => void = () => undefined
  return {
    asked,
    make: (tile, signal) => {
      asked.push(tile)
      return new Promise((resolve, reject) => {
        end = (failure) => {
          if (failure === undefined) resolve()
          else reject(new Error(failure))
        }
        signal.addEventListener('abort', () => {
          reject(new Error('given up'))
        })
      })
    },
    finish: async (failure) => {
      end(failure)
      await settled()
    }
  }
}
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))
const nothing = (): void => undefined

describe('the tile that is made next', () => {
  it('is the one in the middle of what is seen', () => {
    const panes = [output('a')]
    expect(nextTile(wishFor(panes), progressOf(panes), null)).toEqual({ pane: 'a', column: 2, row: 1 })
    const visible = { left: 0, top: 390, width: 250, height: 200 }
    expect(nextTile(wishFor(panes, { visible }), progressOf(panes), null)).toEqual({ pane: 'a', column: 0, row: 2 })
  })

  it('is of the network that is loaded, unless that is not what is looked at', () => {
    const panes = [output('a'), output('b'), output('c')]
    expect(nextTile(wishFor(panes), progressOf(panes), null)?.pane).toBe('a')
    expect(nextTile(wishFor(panes), progressOf(panes), 'b')?.pane).toBe('b')
    expect(nextTile(wishFor(panes, { alone: 'c' }), progressOf(panes), 'b')?.pane).toBe('c')
    expect(nextTile(wishFor(panes.slice(2)), progressOf(panes), 'b')?.pane).toBe('c')
  })

  it('is of the pane that is wanted as a whole, once all that is seen is there', () => {
    const visible = { left: 10, top: 10, width: 100, height: 100 }
    const [a, b] = [output('a', ['0-0']), output('b')]
    const wish = wishFor([a, b], { visible, whole: 'a' })
    expect(nextTile(wish, progressOf([a, b]), 'a')).toEqual({ pane: 'b', column: 0, row: 0 })
    const seen = [a, output('b', ['0-0'])]
    expect(nextTile(wish, progressOf(seen), 'b')).toEqual({ pane: 'a', column: 2, row: 1 })
    expect(nextTile({ ...wish, whole: null }, progressOf(seen), 'b')).toBeNull()
  })

  it('is none of what is there, or cannot be made', () => {
    const visible = { left: 10, top: 10, width: 100, height: 100 }
    const panes = [output('a', ['0-0']), output('b')]
    const progress = progressOf(panes)
    expect(nextTile(wishFor(panes, { visible }), progress, 'a')?.pane).toBe('b')
    progress.set('b', { columns: 5, rows: 3, side: 200, done: new Set(), failure: 'no' })
    expect(nextTile(wishFor(panes, { visible }), progress, 'a')).toBeNull()
  })

  it('makes in the end what is seen, each tile once, and nothing else', () => {
    const place = fc.record({
      left: fc.integer({ min: 0, max: 999 }),
      top: fc.integer({ min: 0, max: 599 }),
      width: fc.integer({ min: 1, max: 1000 }),
      height: fc.integer({ min: 1, max: 600 })
    })
    fc.assert(
      fc.property(place, fc.constantFrom(500, 1000, 2000), ({ left, top, width, height }, sceneWidth) => {
        // A scene of another size has more or fewer pixels for each of the output.
        const factor = sceneWidth / 1000
        const visible = { left: left * factor, top: top * factor, width: width * factor, height: height * factor }
        const done = new Set<string>()
        for (;;) {
          const panes = [output('a', [...done])]
          const wish = wishFor(panes, { visible, scene: { width: sceneWidth } })
          const tile = nextTile(wish, progressOf(panes), 'a')
          expect(isAllThere(wish)).toBe(tile === null)
          if (tile === null) break
          expect(done).not.toContain(`${tile.column}-${tile.row}`)
          done.add(`${tile.column}-${tile.row}`)
        }
        const seen = new Set<string>()
        for (let y = top; y < Math.min(600, top + height); y++) {
          for (let x = left; x < Math.min(1000, left + width); x++)
            seen.add(`${Math.floor(x / 200)}-${Math.floor(y / 200)}`)
        }
        expect([...done].toSorted()).toEqual([...seen].toSorted())
      }),
      { numRuns: 20 }
    )
  })
})

describe('the queue of outputs', () => {
  it('asks for one tile at a time and tells what is there', async () => {
    const { make, asked, finish } = network()
    let told = 0
    const panes = [output('a'), output('b')]
    const queue = new OutputQueue(panes, make, () => told++)
    queue.want(wishFor(panes, { visible: { left: 0, top: 0, width: 300, height: 100 } }))
    expect(asked).toHaveLength(1)
    await finish()
    await finish()
    expect(asked.map(({ pane }) => pane)).toEqual(['a', 'a', 'b'])
    expect(queue.progress.get('a')?.done).toEqual(new Set(['0-0', '1-0']))
    expect(queue.progress.get('b')?.done).toEqual(new Set())
    expect(told).toBe(2)
  })

  it('gives up a tile that is no longer seen, and goes on with one that is', async () => {
    const { make, asked } = network()
    const panes = [output('a')]
    const queue = new OutputQueue(panes, make, nothing)
    queue.want(wishFor(panes, { visible: { left: 0, top: 0, width: 100, height: 100 } }))
    queue.want(wishFor(panes, { visible: { left: 50, top: 50, width: 100, height: 100 } }))
    await settled()
    expect(asked).toHaveLength(1)
    queue.want(wishFor(panes, { visible: { left: 900, top: 500, width: 100, height: 100 } }))
    await settled()
    expect(asked.at(-1)).toEqual({ pane: 'a', column: 4, row: 2 })
    queue.want(null)
    await settled()
    expect(asked).toHaveLength(2)
    expect(queue.progress.get('a')).toEqual({ done: new Set(), failure: null })
  })

  it('tells why a network fails, leaves it, and tries again when asked', async () => {
    const { make, asked, finish } = network()
    const panes = [output('a'), output('b')]
    const queue = new OutputQueue(panes, make, nothing)
    queue.want(wishFor(panes, { visible: { left: 0, top: 0, width: 100, height: 100 } }))
    await finish('There is not enough memory.')
    expect(queue.progress.get('a')?.failure).toBe('There is not enough memory.')
    expect(asked.at(-1)?.pane).toBe('b')
    await finish()
    expect(asked).toHaveLength(2)
    queue.retry('a')
    await finish()
    expect(queue.progress.get('a')).toEqual({ done: new Set(['0-0']), failure: null })
  })
})
