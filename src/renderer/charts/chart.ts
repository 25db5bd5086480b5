import {
  BarController,
  BarElement,
  Chart,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  Tooltip,
  type ChartConfiguration
} from 'chart.js'
import annotations from 'chartjs-plugin-annotation'
import { onBeforeUnmount, onMounted, watch, type Ref } from 'vue'

Chart.register(BarController, BarElement, LinearScale, LineController, LineElement, PointElement, Tooltip, annotations)
// Data comes several times a second: it is drawn as it is, not moved to.
Chart.defaults.animation = false
Chart.defaults.font.family = 'system-ui, "Liberation Sans", sans-serif'

/** Colours of Okabe and Ito, which colour-blind people tell apart; each line has a dash of its own as well. */
export const seriesStyles = [
  { colour: '#0072b2', darkColour: '#56b4e9', dash: [] },
  { colour: '#d55e00', darkColour: '#e69f00', dash: [6, 3] },
  { colour: '#007a5a', darkColour: '#2fc79a', dash: [2, 2] }
] as const

/** Colours of axes and grid on light and on dark ground. */
export function inkOf(isDark: boolean): { readonly text: string; readonly grid: string; readonly mark: string } {
  return isDark
    ? { text: '#d4d4d8', grid: '#3f3f46', mark: '#e69f00' }
    : { text: '#52525b', grid: '#e4e4e7', mark: '#b34700' }
}

/** Keeps a chart on a canvas up to date. The configuration is made anew whenever what it is made from changes. */
export function useChart<T extends 'bar' | 'line'>(
  canvas: Readonly<Ref<HTMLCanvasElement | null>>,
  configure: () => ChartConfiguration<T, { x: number; y: number }[]>
): void {
  let chart: Chart<T, { x: number; y: number }[]> | null = null
  onMounted(() => {
    if (canvas.value !== null) chart = new Chart(canvas.value, configure())
  })
  watch(configure, ({ data, options }) => {
    if (chart === null) return
    chart.data = data
    if (options !== undefined) chart.options = options
    chart.update('none')
  })
  onBeforeUnmount(() => {
    chart?.destroy()
    chart = null
  })
}
