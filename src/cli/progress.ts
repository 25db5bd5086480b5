import colours from 'picocolors'
import { contestantTitles, formatBits } from '../contract/bounds'
import type { JobEvent } from '../contract/events'

type Progress = Extract<JobEvent, { kind: 'progress' }>

/** Milliseconds between two lines where output is no terminal. */
const logInterval = 10_000

const phaseNames: Readonly<Record<Progress['phase'], string>> = {
  load: 'Loading',
  statistics: 'Collecting statistics',
  search: 'Searching bounds',
  distillation: 'Training',
  evaluate: 'Evaluating',
  upscale: 'Upscaling',
  export: 'Checking the file'
}

/**
 * Shows events on stderr: on a terminal one line per phase that rewrites itself, elsewhere a line at the start and the end
 * of a phase and every ten seconds between. Speed and time left follow from the whole phase so far.
 */
export function progressPrinter(stream: NodeJS.WriteStream = process.stderr): (event: JobEvent) => void {
  let phase: Progress['phase'] | null = null
  let started = 0
  let doneAtStart = 0
  let shown = 0
  return (event) => {
    const say = (text: string): void => {
      // A line that rewrites itself ends before anything else is said.
      stream.write(`${stream.isTTY && phase !== null ? '\n' : ''}${text}\n`)
    }
    if (event.kind === 'log') {
      say(`${event.level === 'warning' ? colours.yellow('warning: ') : ''}${event.message}`)
      return
    }
    if (event.kind === 'estimate') {
      const each = event.presets.map(({ name, seconds }) => `${name} ${formatSeconds(seconds)}`).join(', ')
      say(`Training takes about ${formatSeconds(event.seconds)} for each variant on this machine (${each}).`)
      return
    }
    if (event.kind === 'validation') {
      const { method, bits, iteration, psnr } = event
      const what = `${contestantTitles[method]} at ${formatBits(bits)} bits, iteration ${iteration}`
      say(`${what}: ${psnr.toFixed(2)} dB against full precision`)
      return
    }
    if (event.kind !== 'progress') return
    const first = event.phase !== phase
    const last = event.done >= event.total
    if (first) {
      phase = event.phase
      started = performance.now()
      doneAtStart = event.done
    }
    if (last) phase = null
    const now = performance.now()
    if (!stream.isTTY && !first && !last && now - shown < logInterval) return
    shown = now
    const seconds = (now - started) / 1000
    const speed = (event.done - doneAtStart) / seconds
    const rate = speed > 0 && Number.isFinite(speed) ? `, ${formatRate(speed)} ${event.unit}/s` : ''
    const left = rate === '' || last ? '' : `, ${formatSeconds((event.total - event.done) / speed)} left`
    const line = `${phaseNames[event.phase]}: ${event.done} of ${event.total} ${event.unit}${rate}${left}`
    stream.write(stream.isTTY ? `\r\u001B[K${line}${last ? '\n' : ''}` : `${line}\n`)
  }
}

function formatRate(perSecond: number): string {
  return perSecond >= 10 ? perSecond.toFixed(0) : perSecond.toPrecision(2)
}

function formatSeconds(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`
  const hours = seconds / 3600
  return hours < 48 ? `${hours.toFixed(hours < 10 ? 1 : 0)} h` : `${Math.round(hours / 24)} days`
}
