import { colourMaps, differenceChannels, differenceForms } from '../../contract/pixels'
import type { useViewer } from '../stores/viewer'

export const gains: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256]
export const magnifications: readonly number[] = [1, 2, 3, 4, 6, 8]
/** CSS pixels. */
export const lensRadii: readonly number[] = [60, 90, 120, 160, 220]
/** Milliseconds that a picture stands, slowest first. Below 200, it would flash more often than is safe to look at. */
export const flickerIntervals: readonly number[] = [2000, 1000, 700, 500, 300, 200]
const splitStep = 0.05

type Adjusted = Pick<ReturnType<typeof useViewer>, 'mode' | 'split' | 'flicker' | 'difference' | 'lens'>

/** Changes by a step what the mode has to be adjusted: where the split is, the gain, the magnification, the speed. */
export function adjust(viewer: Adjusted, direction: 1 | -1): void {
  switch (viewer.mode) {
    case 'split':
      viewer.split.position = Math.min(1, Math.max(0, viewer.split.position + direction * splitStep))
      return
    case 'flicker':
      viewer.flicker.interval = beside(flickerIntervals, viewer.flicker.interval, direction)
      return
    case 'difference':
      viewer.difference.gain = beside(gains, viewer.difference.gain, direction)
      return
    case 'lens':
      viewer.lens.magnification = beside(magnifications, viewer.lens.magnification, direction)
      return
    case 'grid':
    case 'blind':
      return
  }
}

export function nextForm(form: (typeof differenceForms)[number]): (typeof differenceForms)[number] {
  return after(differenceForms, form)
}

export function nextChannel(channel: (typeof differenceChannels)[number]): (typeof differenceChannels)[number] {
  return after(differenceChannels, channel)
}

export function nextMap(map: (typeof colourMaps)[number]): (typeof colourMaps)[number] {
  return after(colourMaps, map)
}

/** The entry beside one; at the ends, and where it is none of them, as near as can be. */
function beside(entries: readonly number[], entry: number, direction: 1 | -1): number {
  const ahead = entries.length > 1 && (entries[0] ?? 0) > (entries[1] ?? 0) ? -direction : direction
  const sorted = entries.toSorted((a, b) => a - b)
  const next = ahead === 1 ? sorted.find((each) => each > entry) : sorted.findLast((each) => each < entry)
  return next ?? entry
}

function after<T>(entries: readonly T[], entry: T): T {
  return entries[(entries.indexOf(entry) + 1) % entries.length] ?? entry
}
