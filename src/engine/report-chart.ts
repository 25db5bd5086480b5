/** A line of a chart; points in the order of x. */
export interface ChartLine {
  readonly label: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

/** Curves over the iterations of training. */
export interface Chart {
  readonly title: string
  readonly unit: string
  /** Whether the axis of values begins at 0. */
  readonly fromZero: boolean
  readonly lines: readonly ChartLine[]
}

const size = { width: 400, height: 220 }
const plot = { left: 48, right: 12, top: 26, bottom: 34 }

/** A chart as an SVG element that takes its colours from the page's style sheet. */
export function renderChart({ title, unit, fromZero, lines }: Chart): string {
  const points = lines.flatMap((line) => line.points)
  const last = Math.max(1, ...points.map(([x]) => x))
  const values = points.map(([, y]) => y)
  const ticks = niceTicks(fromZero ? 0 : Math.min(...values), Math.max(...values), 4)
  const [low, high] = [ticks[0] ?? 0, ticks.at(-1) ?? 1]
  const across = (x: number): number => plot.left + (x / last) * (size.width - plot.left - plot.right)
  const up = (y: number): number => {
    const height = size.height - plot.top - plot.bottom
    return size.height - plot.bottom - ((y - low) / (high - low)) * height
  }
  const digits = Math.max(0, -Math.floor(Math.log10((ticks[1] ?? 1) - low) + 1e-9))
  const rows = ticks.map((tick) => {
    const y = up(tick).toFixed(1)
    const label = `<text x="${plot.left - 6}" y="${y}" dy=".32em" text-anchor="end">${tick.toFixed(digits)}</text>`
    return `<line x1="${plot.left}" x2="${size.width - plot.right}" y1="${y}" y2="${y}"/>${label}`
  })
  const columns = [0, last / 2, last].map((x, i) => {
    const anchor = ['start', 'middle', 'end'][i] ?? 'middle'
    return `<text x="${across(x).toFixed(1)}" y="${size.height - 18}" text-anchor="${anchor}">${Math.round(x)}</text>`
  })
  const paths = lines.map(({ label, points: along }, i) => {
    const path = along.map(([x, y]) => `${across(x).toFixed(1)},${up(y).toFixed(1)}`).join(' ')
    return `<polyline class="line-${i + 1}" points="${path}"><title>${escape(label)}</title></polyline>`
  })
  const middle = (plot.left + size.width - plot.right) / 2
  return `<svg class="chart" viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${escape(title)}">
<text class="title" x="${plot.left}" y="12">${escape(title)}${unit === '' ? '' : ` (${escape(unit)})`}</text>
<g class="grid">${rows.join('')}${columns.join('')}<text x="${middle}" y="${size.height - 4}" text-anchor="middle">iteration</text></g>
${paths.join('\n')}</svg>`
}

/** Round numbers about `count` steps apart that enclose low and high. */
export function niceTicks(low: number, high: number, count: number): readonly number[] {
  const span = high > low ? high - low : Math.abs(high) || 1
  const rough = span / count
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough * 0.999) ?? 10)
  const first = Math.floor(low / step + 1e-9)
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9))
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step)
}

/** The mean of each value and those before it, `window` in all, which makes a noisy curve readable. */
export function runningMean(points: ChartLine['points'], window: number): ChartLine['points'] {
  return points.map(([x], i) => {
    const part = points.slice(Math.max(0, i + 1 - window), i + 1)
    return [x, part.reduce((sum, [, y]) => sum + y, 0) / part.length]
  })
}

/** Text as it stands in HTML and SVG. */
export function escape(text: string): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? character)
}
