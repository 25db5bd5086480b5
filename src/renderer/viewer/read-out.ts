import { computed, onBeforeUnmount, shallowRef, watch, type ComputedRef, type Ref } from 'vue'
import { LatestPoint, type ReadSamples } from './latest-point'
import { pictures } from './pictures'
import type { Pane, Scene } from './scene'
import type { Place } from './view'

/** What a pane has at the pixel that is pointed at. */
export interface PaneValues {
  /** As CSS has colours. */
  readonly colour: string
  /** Red, green and blue, 0 to 255; dashes as long as they are not known. */
  readonly samples: readonly (number | string)[]
  /** Of the same to those of the reference, with their signs; empty where there are none. */
  readonly differences: readonly string[]
}

/** Most sources that can be asked for at a time. */
const mostSources = 64

/**
 * Reads all panes at the pixel that is pointed at, by their ids; null where none is. The reference is read even where it is
 * not shown.
 */
export function useReadOut(
  scene: Readonly<Ref<Scene>>,
  panes: Readonly<Ref<readonly Pane[]>>,
  reference: Readonly<Ref<Pane | null>>,
  point: Readonly<Ref<Place | null>>
): ComputedRef<ReadonlyMap<string, PaneValues> | null> {
  const read = shallowRef<ReadSamples | null>(null)
  const latest = new LatestPoint(
    (args, signal) => pictures.call('pictures.at', args, signal),
    (samples) => {
      read.value = samples
    }
  )
  const sources = computed(() =>
    [...panes.value, ...(reference.value === null ? [] : [reference.value])].map(({ source }) => source)
  )
  watch(
    () => [point.value, sources.value, scene.value.width, scene.value.height] as const,
    ([at, from, width, height]) => {
      latest.ask(at === null ? null : { sources: from.slice(0, mostSources), width, height, ...at })
    },
    { immediate: true }
  )
  onBeforeUnmount(() => {
    latest.close()
  })
  return computed(() => {
    if (point.value === null) return null
    // Panes may have come and gone since they were asked for.
    const asked = read.value?.args.sources.map((source) => JSON.stringify(source)) ?? []
    const samplesOf = ({ source }: Pane): readonly [number, number, number] | null =>
      read.value?.samples[asked.indexOf(JSON.stringify(source))] ?? null
    const against = reference.value === null ? null : samplesOf(reference.value)
    return new Map(
      panes.value.map((pane) => {
        const samples = samplesOf(pane)
        const hasDifferences = pane.id !== reference.value?.id && samples !== null && against !== null
        const values: PaneValues = {
          colour: samples === null ? 'transparent' : `rgb(${samples.join(' ')})`,
          samples: samples ?? ['–', '–', '–'],
          differences: hasDifferences ? samples.map((sample, i) => withSign(sample - (against[i] ?? 0))) : []
        }
        return [pane.id, values] as const
      })
    )
  })
}

function withSign(value: number): string {
  return `${value > 0 ? '+' : value < 0 ? '−' : '±'}${Math.abs(value)}`
}
