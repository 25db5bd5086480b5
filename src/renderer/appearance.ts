import { ref, watchEffect, type Ref } from 'vue'
import type { Start } from '../contract/channels'
import { i18n } from './i18n'

/** Whether the desktop is dark. The main process has its preference overridden where the user chose a theme. */
export function followDesktop(): Readonly<Ref<boolean>> {
  const prefersDark = window.matchMedia('(prefers-color-scheme: dark)')
  const isDark = ref(prefersDark.matches)
  prefersDark.addEventListener('change', ({ matches }) => {
    isDark.value = matches
  })
  return isDark
}

/** Keeps the page in light or dark, and in a language. */
export function dressPage(isDark: Readonly<Ref<boolean>>, language: () => Start['language']): void {
  watchEffect(() => {
    document.documentElement.classList.toggle('dark', isDark.value)
    document.documentElement.lang = language()
    i18n.global.locale.value = language()
  })
}
