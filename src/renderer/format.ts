import { contestantTitles, formatBits, type Bits } from '../contract/bounds'
import type { PictureView } from '../contract/runs'
import { i18n } from './i18n'
import type { ExceptionChoice } from './wizard/draft'

/** A method and its bits as lists name them: `2DQuant · 4 bits`. */
export function variantTitle(method: PictureView['method'], bits: Bits | null): string {
  const { t } = i18n.global
  if (method === 'hr' || method === 'lr') return method.toUpperCase()
  const title = contestantTitles[method]
  return bits === null ? title : `${title} · ${t('run.bitCount', { bits: formatBits(bits) })}`
}

/** What is made of a quantizer in a new run. */
export function choiceText(choice: ExceptionChoice): string {
  const { t } = i18n.global
  if (choice === 'fp') return t('wizard.fullPrecision')
  return choice === 'variant' ? t('wizard.variantBits') : t('run.bitCount', { bits: choice })
}

/** A number with so many digits behind the point; a dash where there is none. */
export function fixed(value: number | null | undefined, digits: number): string {
  return value === null || value === undefined || !Number.isFinite(value) ? '–' : value.toFixed(digits)
}

/** A number of any size in few letters: `0.0123`, `1.2e-7`. */
export function compact(value: number): string {
  if (value === 0) return '0'
  const size = Math.abs(value)
  return size >= 1e5 || size < 1e-4 ? value.toExponential(1) : value.toPrecision(4)
}

/** With its sign, also where it is positive. */
export function signed(value: number | null, digits: number): string {
  return value === null ? '–' : `${value > 0 ? '+' : value < 0 ? '−' : '±'}${Math.abs(value).toFixed(digits)}`
}

/** Seconds in the unit that suits them. */
export function timeText(seconds: number): string {
  const { t } = i18n.global
  if (seconds < 90) return t('run.seconds', { n: Math.round(seconds) })
  if (seconds < 5400) return t('run.minutes', { n: Math.round(seconds / 60) })
  return t('run.hours', { n: (seconds / 3600).toFixed(1) })
}

/** What an error says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
