import type { Settings, Start } from '../contract/channels'

/**
 * The language to show: the one chosen, or the first of the desktop's that is one of ours.
 *
 * @param desktop tags as BCP 47 has them, the preferred one first
 */
export function languageFor({ language }: Settings, desktop: readonly string[]): Start['language'] {
  if (language !== 'system') return language
  const ours = desktop.find((tag) => /^(zh|en)\b/i.test(tag))
  return ours?.toLowerCase().startsWith('zh') === true ? 'zh-CN' : 'en'
}
