import {
  BarController,
  BarElement,
  Chart,
  LinearScale,
  LineController,
  type ChartConfiguration,
  type ScaleOptionsByType
} from 'chart.js'
import { onBeforeUnmount, onMounted, watch, type Ref, type ShallowRef } from 'vue'
import type { AxisLayout } from './axis'
import type { Area } from './draw-plot'
import { fontFamily, type Ink } from './style'
import type { Place } from './decimate'

Chart.register(BarController, BarElement, LinearScale, LineController)
// Data comes several times a second: it is drawn as it is, not moved to.
Chart.defaults.animation = false
Chart.defaults.font.family = fontFamily

/** An axis of a chart as it was laid out: ticks, ends and all. */
export function scaleOf(
  { least, greatest, ticks }: AxisLayout,
  title: string,
  ink: Ink,
  isUpright: boolean
): Partial<ScaleOptionsByType<'linear'>> {
  const labels = new Map(ticks.map(({ at, label }) => [at, label]))
  const options = {
    type: 'linear' as const,
    min: least,
    max: greatest,
    title: { display: true, text: title, color: ink.text },
    grid: { color: ink.grid, offset: false },
    border: { color: ink.text },
    afterBuildTicks: (scale: { ticks: { value: number }[] }) => {
      scale.ticks = ticks.map(({ at }) => ({ value: at }))
    },
    // Labels that grow and shrink must not move the chart.
    ...(isUpright && {
      afterFit: (scale: { width: number }) => {
        scale.width = Math.max(scale.width, 64)
      }
    }),
    ticks: {
      color: ink.text,
      autoSkip: false,
      maxRotation: 0,
      includeBounds: false,
      callback: (value: string | number) => labels.get(Number(value)) ?? ''
    }
  }
  return options as unknown as Partial<ScaleOptionsByType<'linear'>>
}

/**
 * Keeps a chart on a canvas up to date: drawn anew when what it shows has changed, at most once in a frame.
 *
 * @param area is told where the values lie in the canvas, in CSS pixels
 * @param shown everything that the configuration is made from
 * @param configure makes the configuration, told how many pixels the values have across; its plugins are taken once
 */
export function useChart<T extends 'bar' | 'line'>(
  canvas: Readonly<Ref<HTMLCanvasElement | null>>,
  area: ShallowRef<Area | null>,
  shown: () => unknown,
  configure: (width: number) => ChartConfiguration<T, Place[]>
): void {
  let chart: Chart<T, Place[]> | null = null
  let frame = 0
  let lastWidth = 0
  const locate = (): void => {
    const now = chart?.chartArea
    if (now === undefined) return
    const { left, right, top, bottom } = now
    const before = area.value
    const isSame = before?.left === left && before.right === right && before.top === top && before.bottom === bottom
    if (!isSame) area.value = { left, right, top, bottom }
  }
  const update = (): void => {
    frame = 0
    if (chart === null) return
    const { data, options } = configure(widthOf(chart))
    lastWidth = chart.width
    chart.data = data
    if (options !== undefined) chart.options = options
    chart.update('none')
    locate()
  }
  const schedule = (): void => {
    if (frame === 0) frame = requestAnimationFrame(update)
  }
  onMounted(() => {
    if (canvas.value === null) return
    const { parentElement } = canvas.value
    chart = new Chart(canvas.value, configure((parentElement?.clientWidth ?? 600) - 80))
    locate()
    observer.observe(parentElement ?? canvas.value)
  })
  const observer = new ResizeObserver(() => {
    if (chart !== null && chart.width !== lastWidth) schedule()
    else locate()
  })
  watch(shown, schedule)
  onBeforeUnmount(() => {
    observer.disconnect()
    cancelAnimationFrame(frame)
    chart?.destroy()
    chart = null
  })
}

function widthOf({
  chartArea,
  width
}: {
  readonly chartArea?: { left: number; right: number }
  width: number
}): number {
  return chartArea === undefined ? width - 80 : chartArea.right - chartArea.left
}
