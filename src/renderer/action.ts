import { useToast } from '@nuxt/ui/composables'
import { computed, ref, type Ref } from 'vue'
import { messageOf } from './format'
import { i18n } from './i18n'

/** Does what a control asks for, and says so where it does not work. */
export function useAction(): {
  /** Whether something asked for here is not done yet. */
  readonly isBusy: Readonly<Ref<boolean>>
  readonly act: (work: () => Promise<unknown>) => Promise<void>
} {
  const toast = useToast()
  const going = ref(0)
  const isBusy = computed(() => going.value > 0)
  const act = async (work: () => Promise<unknown>): Promise<void> => {
    going.value++
    try {
      await work()
    } catch (error) {
      const description = messageOf(error)
      const title = i18n.global.t('errors.title')
      toast.add({ title, description, color: 'error', icon: 'i-lucide-circle-alert', duration: 0 })
    } finally {
      going.value--
    }
  }
  return { isBusy, act }
}

/** The value of a request's answer. Throws its failure as an error. */
export async function valueOf<T>(
  answer: Promise<{ readonly value: T } | { readonly failure: { readonly message: string } }>
): Promise<T> {
  const given = await answer
  if ('failure' in given) throw new Error(given.failure.message)
  return given.value
}
