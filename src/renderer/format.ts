import { contestantTitles, formatBits, type Bits } from '../contract/bounds'
import type { PictureView } from '../contract/runs'

/** `2DQuant, 4 bits` in the way of tables: a method and its bits. */
export function variantTitle(method: PictureView['method'], bits: Bits | null, original: string): string {
  if (method === 'hr') return original
  return bits === null ? contestantTitles[method] : `${contestantTitles[method]} · ${formatBits(bits)} bit`
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
