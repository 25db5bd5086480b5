import { contestantTitles, formatBits, type Bits } from '../contract/bounds'
import type { PictureView } from '../contract/runs'
import { i18n } from './i18n'

/** A method and its bits as lists name them: `2DQuant · 4 bits`. */
export function variantTitle(method: PictureView['method'], bits: Bits | null): string {
  const { t } = i18n.global
  if (method === 'hr') return t('run.original')
  const title = contestantTitles[method]
  return bits === null ? title : `${title} · ${t('run.bitCount', { bits: formatBits(bits) })}`
}

/** A number with so many digits behind the point; a dash where there is none. */
export function fixed(value: number | null | undefined, digits: number): string {
  return value === null || value === undefined || !Number.isFinite(value) ? '–' : value.toFixed(digits)
}

/** With its sign, also where it is positive. */
export function signed(value: number | null, digits: number): string {
  return value === null ? '–' : `${value > 0 ? '+' : value < 0 ? '−' : '±'}${Math.abs(value).toFixed(digits)}`
}

/** The last part of a path of any system. */
export function nameOf(path: string): string {
  return path.split(/[/\\]/).filter(Boolean).at(-1) ?? path
}

/** What an error says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
