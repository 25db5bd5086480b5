/** Settings that a preset stands for; every one can be overridden by its own option. */
export interface Preset {
  readonly patches: number
  readonly patchSize: number
  readonly searchSteps: number
}

/** `paper` is what the authors used: 32 crops of 64×64, K = 100. */
export const presets = {
  fast: { patches: 16, patchSize: 48, searchSteps: 100 },
  paper: { patches: 32, patchSize: 64, searchSteps: 100 },
  best: { patches: 100, patchSize: 64, searchSteps: 200 }
} as const satisfies Readonly<Record<string, Preset>>

export type PresetName = keyof typeof presets
export const presetNames = ['fast', 'paper', 'best'] as const satisfies readonly PresetName[]
