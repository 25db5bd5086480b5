import { i18n } from '../i18n'
import type { Pane } from './scene'

/** How far what a network makes of a picture is; empty where all is there, or no more will come. */
export function outputText({ output }: Pane, isCounted: boolean): string {
  if (output === null || output.failure !== null) return ''
  const total = output.columns * output.rows
  const done = output.done.size
  if (done >= total) return ''
  return done === 0 || !isCounted ? i18n.global.t('viewer.notYet') : i18n.global.t('viewer.tiles', { done, total })
}
