import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { effectScope, nextTick, ref, type EffectScope } from 'vue'
import { useGallery, type GalleryItem } from '../../../src/renderer/components/gallery'

interface Asked {
  readonly names: readonly string[]
  readonly signal: AbortSignal | undefined
  readonly answer: () => void
}

const itemOf = (name: string): GalleryItem => ({ name, min: 0, max: 1, shares: [1], quantiles: [0, 0, 0.5, 1, 1] })
const names = (from: number, to: number): readonly string[] =>
  Array.from({ length: to - from }, (_, i) => `tensor ${from + i}`)

describe('useGallery', () => {
  let asked: Asked[] = []
  let scope: EffectScope

  beforeEach(() => {
    vi.useFakeTimers()
    asked = []
    scope = effectScope()
  })
  afterEach(() => {
    scope.stop()
    vi.useRealTimers()
  })

  const call: Parameters<typeof useGallery>[0] = ({ quantizers }, signal) =>
    new Promise((resolve, reject) => {
      const answer = (): void => {
        resolve(quantizers.filter((name) => name !== 'unknown').map(itemOf))
      }
      asked.push({ names: quantizers, signal, answer })
      signal?.addEventListener('abort', () => {
        reject(new Error('cancelled'))
      })
    })
  const wanted = ref<readonly string[]>([])
  function begin(first: readonly string[]): ReturnType<typeof useGallery> {
    wanted.value = first
    const gallery = scope.run(() =>
      useGallery(
        call,
        () => '/run',
        () => wanted.value
      )
    )
    if (gallery === undefined) throw new Error('The scope has ended.')
    return gallery
  }
  async function pass(): Promise<void> {
    await nextTick()
    await vi.advanceTimersByTimeAsync(100)
  }

  test('asks for what is wanted in batches of at most 64', async () => {
    const { items } = begin(names(0, 100))
    await pass()
    expect(asked.map((each) => each.names.length)).toEqual([64])
    asked[0]?.answer()
    await pass()
    expect(asked[1]?.names).toEqual(names(64, 100))
    asked[1]?.answer()
    await pass()
    expect(items.value.size).toBe(100)
    expect(asked).toHaveLength(2)
  })

  test('asks for nothing that was only scrolled past', async () => {
    begin(names(0, 10))
    wanted.value = names(50, 60)
    await pass()
    expect(asked.map((each) => each.names)).toEqual([names(50, 60)])
  })

  test('breaks off what is not wanted any more, and asks for what is', async () => {
    const { items, failure } = begin(names(0, 10))
    await pass()
    wanted.value = names(50, 60)
    await pass()
    expect(asked[0]?.signal?.aborted).toBe(true)
    asked[1]?.answer()
    await pass()
    expect([...items.value.keys()]).toEqual(names(50, 60))
    expect(failure.value).toBe('')
  })

  test('lets go on what is still wanted in part', async () => {
    begin(names(0, 10))
    await pass()
    wanted.value = names(5, 15)
    await pass()
    expect(asked[0]?.signal?.aborted).toBe(false)
    asked[0]?.answer()
    await pass()
    expect(asked[1]?.names).toEqual(names(10, 15))
  })

  test('asks once for what the run does not have', async () => {
    begin(['unknown', 'tensor 1'])
    await pass()
    asked[0]?.answer()
    await pass()
    wanted.value = ['unknown']
    await pass()
    expect(asked).toHaveLength(1)
  })

  test('loads all that are named, in their order, and nothing twice', async () => {
    const { load } = begin([])
    const loading = load(names(0, 70))
    await pass()
    asked[0]?.answer()
    await pass()
    asked[1]?.answer()
    expect((await loading).map(({ name }) => name)).toEqual(names(0, 70))
    expect((await load(names(0, 3))).map(({ name }) => name)).toEqual(names(0, 3))
    expect(asked.map((each) => each.names.length)).toEqual([64, 6])
  })
})
