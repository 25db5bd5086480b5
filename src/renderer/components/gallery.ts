import { onScopeDispose, ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import type { CallArgs, CallResult } from '../../contract/engine'
import { messageOf } from '../format'

export type GalleryItem = CallResult<'runs.gallery'>[number]

/** So many distributions are asked for at once, at most. */
const batch = 64

/** What is wanted must stand for so long, in ms, before it is asked for: whoever scrolls past wants nothing. */
const patience = 60

/**
 * Distributions of those tensors of a run that are wanted now, as they come. What was asked for and is not wanted any more is
 * broken off; what has come is kept.
 *
 * @param call asks the engine
 */
export function useGallery(
  call: (args: CallArgs<'runs.gallery'>, signal?: AbortSignal) => Promise<CallResult<'runs.gallery'>>,
  folder: () => string,
  wanted: () => readonly string[]
): {
  readonly items: Readonly<ShallowRef<ReadonlyMap<string, GalleryItem>>>
  /** Why nothing comes; empty where all is well. */
  readonly failure: Readonly<Ref<string>>
  /** All of these, in their order, but for those that the run does not have. */
  readonly load: (names: readonly string[]) => Promise<readonly GalleryItem[]>
} {
  const items = shallowRef<ReadonlyMap<string, GalleryItem>>(new Map())
  const failure = ref('')
  /** Asked for and not there. */
  let absent = new Set<string>()
  let asked: { readonly names: ReadonlySet<string>; readonly controller: AbortController } | null = null
  let timer: ReturnType<typeof setTimeout> | undefined

  function missingOf(names: readonly string[]): string[] {
    return names.filter((name) => !items.value.has(name) && !absent.has(name))
  }
  function keep(names: readonly string[], came: readonly GalleryItem[]): void {
    items.value = new Map([...items.value, ...came.map((item): [string, GalleryItem] => [item.name, item])])
    for (const name of names) if (!items.value.has(name)) absent.add(name)
  }
  let disposed = false
  async function ask(): Promise<void> {
    if (asked !== null) return
    for (;;) {
      const path = folder()
      const names = missingOf(wanted()).slice(0, batch)
      if (names.length === 0) return
      const controller = new AbortController()
      asked = { names: new Set(names), controller }
      try {
        const came = await call({ folder: path, quantizers: names }, controller.signal)
        if (path === folder()) keep(names, came)
        failure.value = ''
      } catch (error) {
        if (disposed) return
        if (!controller.signal.aborted) {
          failure.value = messageOf(error)
          return
        }
      } finally {
        asked = null
      }
    }
  }
  async function load(names: readonly string[]): Promise<readonly GalleryItem[]> {
    const missing = missingOf(names)
    for (let i = 0; i < missing.length; i += batch) {
      const quantizers = missing.slice(i, i + batch)
      keep(quantizers, await call({ folder: folder(), quantizers }))
    }
    return names.flatMap((name) => items.value.get(name) ?? [])
  }

  watch(folder, () => {
    items.value = new Map()
    absent = new Set()
    asked?.controller.abort()
  })
  watch(
    wanted,
    (names) => {
      if (asked !== null && !names.some((name) => asked?.names.has(name) === true)) asked.controller.abort()
      clearTimeout(timer)
      timer = setTimeout(() => {
        if (!disposed) void ask()
      }, patience)
    },
    { immediate: true }
  )
  onScopeDispose(() => {
    disposed = true
    clearTimeout(timer)
    asked?.controller.abort()
  })
  return { items, failure, load }
}
