import type { BarPlot, BoxPlot, HistogramPlot, LinePlot } from '../../../src/renderer/charts/plot'
import type { TableWords } from '../../../src/renderer/charts/table'

export const words: TableWords = {
  least: 'least',
  greatest: 'greatest',
  from: 'from',
  to: 'to',
  number: 'number',
  name: 'name',
  kind: 'kind'
}

export const lines: LinePlot = {
  kind: 'lines',
  title: 'Loss & more',
  x: { title: 'iteration', scale: 'linear', format: 'number', range: [0, 5] },
  y: { title: 'loss', scale: 'linear', format: 'number', range: [0, 10] },
  series: [
    {
      name: 'first',
      points: [
        [1, 4, 3, 5],
        [2, 2, 1, 3],
        [3, 1, 1, 2]
      ]
    },
    {
      name: 'second',
      points: [
        [2, 7],
        [4, 8]
      ]
    }
  ],
  marks: [{ at: 2.5, label: 'best' }]
}

export const histogram: HistogramPlot = {
  kind: 'histogram',
  title: 'Distribution',
  x: { title: 'value', scale: 'linear', format: 'number', range: [-2, 2] },
  y: { title: 'share', scale: 'linear', format: 'percent', range: [0, 0.5] },
  min: -2,
  max: 2,
  shares: [0.1, 0.4, 0.4, 0.1],
  bounds: { lower: -1, upper: 1.5, bits: 2 },
  found: { lower: -1.5, upper: 1.5 }
}

export const bars: BarPlot = {
  kind: 'bars',
  title: 'SQNR',
  xTitle: 'quantizer',
  y: { title: 'dB', scale: 'linear', format: 'number', range: [0, 10] },
  groups: ['weights', 'activations'],
  first: 1,
  bars: [
    { name: 'a.weight', group: 0, value: 5 },
    { name: 'a.input', group: 1, value: null },
    { name: 'b.weight', group: 0, value: 10 }
  ]
}

export const boxes: BoxPlot = {
  kind: 'boxes',
  title: 'Values',
  xTitle: 'quantizer',
  y: { title: 'value', scale: 'linear', format: 'number', range: [-4, 4] },
  groups: ['weights', 'activations'],
  first: 1,
  boxes: [{ name: 'a.weight', group: 0, least: -4, quantiles: [-2, -1, 0, 1, 2], greatest: 3 }]
}
