import type { QuantizeSettings } from './run'

/** Settings that a preset stands for; every one can be overridden by its own option. */
export interface Preset {
  readonly patches: number
  readonly patchSize: number
  readonly searchSteps: number
  /** Iterations of training, and patches of each. */
  readonly iterations: number
  readonly batch: number
}

/** `paper` is what the authors used: 32 crops of 64×64, K = 100; 3000 iterations of 32 patches. */
export const presets = {
  fast: { patches: 32, patchSize: 32, searchSteps: 100, iterations: 200, batch: 4 },
  paper: { patches: 32, patchSize: 64, searchSteps: 100, iterations: 3000, batch: 32 },
  best: { patches: 100, patchSize: 64, searchSteps: 200, iterations: 1000, batch: 8 }
} as const satisfies Readonly<Record<string, Preset>>

export type PresetName = keyof typeof presets
export const presetNames = ['fast', 'paper', 'best'] as const satisfies readonly PresetName[]

/** Everything that a run is told by a preset and by what is usual: DOBI at 4 bits, and how to train where a method does. */
export function settingsOf(name: PresetName): QuantizeSettings & {
  readonly distillation: NonNullable<QuantizeSettings['distillation']>
} {
  const { patches, patchSize, searchSteps, iterations, batch } = presets[name]
  return {
    bits: [{ weight: 4, activation: 4 }],
    methods: ['dobi'],
    percentile: 99.9,
    search: 'by-shape',
    searchSteps,
    zeroPoint: 'float',
    patches,
    patchSize,
    seed: 0,
    quantizeFirstAndLast: false,
    plan: null,
    distillation: {
      iterations,
      batch,
      learningRate: null,
      weightLearningRate: null,
      train: 'all',
      schedule: 'cosine',
      loss: 'corrected',
      // docs/decisions/0008-the-feature-term.md
      featureWeight: 0.01,
      features: 'groups',
      init: 'dobi'
    }
  }
}
