import { defineStore } from 'pinia'
import { ref, shallowRef, watch } from 'vue'
import { valueOf } from '../action'
import { draftSchema, newDraft, type Draft } from '../wizard/draft'

/** Milliseconds after the last change until it is kept. */
const savingDelay = 300

/** The new quantization that is being filled in: kept by the main process, so that it outlives pages and restarts. */
export const useDraft = defineStore('draft', () => {
  const draft = ref<Draft>(newDraft())
  const isLoaded = ref(false)
  let timer: ReturnType<typeof setTimeout> | null = null

  function save(): void {
    if (timer !== null) clearTimeout(timer)
    timer = null
    void window.studio.saveDraft(JSON.stringify(draft.value))
  }

  let loading: Promise<void> | null = null
  /** Reads what was kept, once. A draft that cannot be read, as one of another version, begins anew. */
  function load(): Promise<void> {
    loading ??= readKept()
    return loading
  }
  async function readKept(): Promise<void> {
    draft.value = read(await valueOf(window.studio.loadDraft())) ?? newDraft()
    isLoaded.value = true
    watch(
      draft,
      () => {
        if (timer !== null) clearTimeout(timer)
        timer = setTimeout(save, savingDelay)
      },
      { deep: true }
    )
    window.addEventListener('pagehide', () => {
      if (timer !== null) save()
    })
  }

  /** What another draft took the place of; null where there is nothing to bring back. */
  const replaced = shallowRef<Draft | null>(null)
  /** Puts another draft in its place. */
  async function replace(next: Draft): Promise<void> {
    await load()
    const before = JSON.stringify(draft.value)
    const isEmpty = before === JSON.stringify(newDraft())
    replaced.value = isEmpty || before === JSON.stringify(next) ? null : draftSchema.parse(JSON.parse(before))
    draft.value = next
  }
  function bringBack(): void {
    if (replaced.value !== null) draft.value = replaced.value
    replaced.value = null
  }

  return { draft, isLoaded, load, replace, replaced, bringBack }
})

function read(kept: string | null): Draft | null {
  if (kept === null) return null
  try {
    return draftSchema.parse(JSON.parse(kept))
  } catch {
    return null
  }
}
