import { z } from 'zod'
import { nameOf } from '../paths'
import {
  bitWidths,
  bitWidthSchema,
  methodSchema,
  trains,
  zeroPointSchema,
  type Bits,
  type BitWidth
} from '../../contract/bounds'
import { quantizeRequestSchema, type QuantizeRequest } from '../../contract/jobs'
import { plannedFor, type Plan } from '../../contract/plan'
import { presets, settingsOf, type PresetName } from '../../contract/presets'
import type { InspectResult } from '../../contract/results'
import {
  distillationSchema,
  featureGroupsSchema,
  modelOverridesSchema,
  pictureFolderSchema,
  quantizeSettingsSchema,
  type QuantizeSettings,
  type RunFile
} from '../../contract/run'

/** A number that may be missing while it is typed. */
const typedNumber = z.number().nullable().default(null)

/** What is made of some quantizers: so many bits, those of each variant, or full precision. */
export const exceptionChoices = [...bitWidths, 'variant', 'fp'] as const
export type ExceptionChoice = (typeof exceptionChoices)[number]

const exceptionSchema = z.object({
  /** May end in `*`. */
  name: z.string(),
  /** Drafts of before have null for full precision. */
  bits: z.union([z.null().transform(() => 'fp' as const), z.literal(exceptionChoices)])
})

/** What a new quantization is told, as far as it is filled in. */
export const draftSchema = z.object({
  schema: z.literal(1),
  model: z.string().nullable(),
  overrides: modelOverridesSchema,
  calibration: pictureFolderSchema.nullable(),
  sets: z.array(pictureFolderSchema),
  bits: z.array(bitWidthSchema),
  /** Bits of activations where they differ from those of weights: then all combinations are made. */
  activationBits: z.array(bitWidthSchema).nullable(),
  methods: z.array(methodSchema),
  patches: typedNumber,
  patchSize: typedNumber,
  seed: typedNumber,
  percentile: typedNumber,
  searchSteps: typedNumber,
  iterations: typedNumber,
  batch: typedNumber,
  featureWeight: typedNumber,
  /** Null takes what is usual at each bit width. */
  learningRate: typedNumber,
  weightLearningRate: typedNumber,
  search: quantizeSettingsSchema.shape.search,
  zeroPoint: zeroPointSchema.default('float'),
  quantizeFirstAndLast: z.boolean(),
  exceptions: z.array(exceptionSchema),
  distillation: distillationSchema
    .pick({ train: true, schedule: true, loss: true, init: true })
    .extend({ features: z.union([featureGroupsSchema, z.array(z.string())]) }),
  endsWithBounds: z.boolean()
})
export type Draft = z.infer<typeof draftSchema>

/** The numbers of a draft that must be there, and what they may be. */
export const numberRules = {
  patches: { least: 1, most: 1_000_000, isWhole: true },
  patchSize: { least: 8, most: 4096, isWhole: true },
  seed: { least: 0, most: 2 ** 32 - 1, isWhole: true },
  percentile: { least: 50.001, most: 100, isWhole: false },
  searchSteps: { least: 1, most: 10_000, isWhole: true },
  iterations: { least: 1, most: 1_000_000, isWhole: true },
  batch: { least: 1, most: 4096, isWhole: true },
  featureWeight: { least: 0, most: 1e6, isWhole: false }
} as const satisfies Partial<Record<keyof Draft, { least: number; most: number; isWhole: boolean }>>
export type NumberField = keyof typeof numberRules
export const numberFields = Object.keys(numberRules) as NumberField[]

/** The steps before a run begins. */
export const draftSteps = ['model', 'data', 'settings'] as const
export type DraftStep = (typeof draftSteps)[number]

/** What keeps a draft from being begun; named by the field, said by the page. */
export type DraftProblem =
  'model' | 'calibration' | 'sets' | 'bits' | 'activationBits' | 'methods' | 'exceptions' | 'features' | NumberField

const stepOfProblem: Readonly<Record<DraftProblem, DraftStep>> = {
  model: 'model',
  calibration: 'data',
  sets: 'data',
  patches: 'data',
  patchSize: 'data',
  seed: 'data',
  bits: 'settings',
  activationBits: 'settings',
  methods: 'settings',
  exceptions: 'settings',
  features: 'settings',
  percentile: 'settings',
  searchSteps: 'settings',
  iterations: 'settings',
  batch: 'settings',
  featureWeight: 'settings'
}

/** A draft as it is begun with: 2DQuant at 4 bits, by the quick preset. */
export function newDraft(): Draft {
  const usual = settingsOf('fast')
  const { train, schedule, loss, features, init, featureWeight } = usual.distillation
  return {
    schema: 1,
    model: null,
    overrides: {},
    calibration: null,
    sets: [],
    bits: [4],
    activationBits: null,
    methods: ['dobi', '2dquant'],
    ...numbersOf('fast'),
    seed: usual.seed,
    percentile: usual.percentile,
    featureWeight,
    learningRate: null,
    weightLearningRate: null,
    search: usual.search,
    zeroPoint: 'float',
    quantizeFirstAndLast: false,
    exceptions: [],
    distillation: { train, schedule, loss, features, init },
    endsWithBounds: false
  }
}

/** The numbers that a preset decides. */
export function numbersOf(
  preset: PresetName
): Pick<Draft, 'patches' | 'patchSize' | 'searchSteps' | 'iterations' | 'batch'> {
  return { ...presets[preset] }
}

/** The preset whose numbers a draft has; null where it has others. */
export function presetOf(draft: Draft): PresetName | null {
  const isOf = (preset: PresetName): boolean =>
    Object.entries(numbersOf(preset)).every(([field, value]) => draft[field as NumberField] === value)
  return (Object.keys(presets) as PresetName[]).find(isOf) ?? null
}

/** What a draft lacks, in the order of the steps. */
export function problemsOf(draft: Draft): readonly DraftProblem[] {
  const isTrained = draft.methods.some(trains)
  const numbers = numberFields.filter((field) => {
    if (!isTrained && (field === 'iterations' || field === 'batch' || field === 'featureWeight')) return false
    const { least, most, isWhole } = numberRules[field]
    const value = draft[field]
    return value === null || value < least || value > most || (isWhole && !Number.isInteger(value))
  })
  const found: DraftProblem[] = [
    ...(draft.model === null ? (['model'] as const) : []),
    ...(draft.calibration === null ? (['calibration'] as const) : []),
    ...(haveSameName(draft.sets) ? (['sets'] as const) : []),
    ...(draft.bits.length === 0 ? (['bits'] as const) : []),
    ...(draft.activationBits?.length === 0 ? (['activationBits'] as const) : []),
    ...(draft.methods.length === 0 ? (['methods'] as const) : []),
    ...(draft.exceptions.some(({ name }) => name.trim() === '') ? (['exceptions'] as const) : []),
    ...(draft.methods.some(trains) && draft.distillation.features.length === 0 ? (['features'] as const) : []),
    ...numbers
  ]
  return found.toSorted((a, b) => draftSteps.indexOf(stepOfProblem[a]) - draftSteps.indexOf(stepOfProblem[b]))
}

/** Whether two folders would be called the same in tables. */
function haveSameName(sets: Draft['sets']): boolean {
  return new Set(sets.map(({ folder }) => nameOf(folder))).size < sets.length
}

/** The problems of one step. */
export function problemsOfStep(draft: Draft, step: DraftStep): readonly DraftProblem[] {
  return problemsOf(draft).filter((problem) => stepOfProblem[problem] === step)
}

/** All bit widths that a draft asks for. */
export function bitsOf({ bits, activationBits }: Pick<Draft, 'bits' | 'activationBits'>): Bits[] {
  const ordered = (widths: readonly BitWidth[]): BitWidth[] => widths.toSorted((a, b) => b - a)
  if (activationBits === null) return ordered(bits).map((each) => ({ weight: each, activation: each }))
  return ordered(bits).flatMap((weight) => ordered(activationBits).map((activation) => ({ weight, activation })))
}

/** What a draft asks for; null where it lacks something. */
export function requestOf(draft: Draft): QuantizeRequest | null {
  const { model, calibration, overrides, sets, exceptions, endsWithBounds } = draft
  if (model === null || calibration === null || problemsOf(draft).length > 0) return null
  const usual = settingsOf('fast')
  const number = (field: NumberField): number => draft[field] ?? 0
  const methods = methodSchema.options.filter((method) => draft.methods.includes(method))
  const settings: QuantizeSettings = {
    bits: bitsOf(draft),
    methods,
    percentile: number('percentile'),
    search: draft.search,
    searchSteps: number('searchSteps'),
    zeroPoint: draft.zeroPoint,
    patches: number('patches'),
    patchSize: number('patchSize'),
    seed: number('seed'),
    quantizeFirstAndLast: draft.quantizeFirstAndLast,
    plan: exceptions.length === 0 ? null : { schema: 1, quantizers: planEntriesOf(exceptions) },
    distillation: methods.some(trains)
      ? {
          ...usual.distillation,
          ...draft.distillation,
          iterations: number('iterations'),
          batch: number('batch'),
          featureWeight: number('featureWeight'),
          learningRate: draft.learningRate,
          weightLearningRate: draft.weightLearningRate
        }
      : null
  }
  // Parsed it is a copy: what is reactive cannot be sent.
  return quantizeRequestSchema.parse({
    kind: 'quantize',
    model,
    overrides,
    calibration,
    settings,
    sets,
    endsWithBounds
  })
}

/** A draft that asks for what a run was made by. */
export function draftOfRun({ model, calibration, settings, sets = [] }: RunFile): Draft {
  const usual = newDraft()
  const { bits, methods, distillation, plan } = settings
  const isEven = bits.every(({ weight, activation }) => weight === activation)
  const widths = (pick: (each: Bits) => BitWidth): BitWidth[] => [...new Set(bits.map(pick))]
  const { patches, patchSize, seed, percentile, search, searchSteps, zeroPoint, quantizeFirstAndLast } = settings
  return {
    ...usual,
    model: model.file,
    overrides: {
      ...(model.imageRange !== null && { imageRange: model.imageRange }),
      ...(model.residualScale !== null && { residualScale: model.residualScale })
    },
    calibration: { folder: calibration.folder, kind: calibration.kind },
    sets: [...sets],
    bits: widths(({ weight }) => weight),
    activationBits: isEven ? null : widths(({ activation }) => activation),
    methods: [...methods],
    patches,
    patchSize,
    seed,
    percentile,
    search,
    searchSteps,
    zeroPoint,
    quantizeFirstAndLast,
    exceptions: (plan?.quantizers ?? []).map(({ name, bits, quantize }) =>
      quantize === false ? { name, bits: 'fp' } : { name, bits: bits ?? 'variant' }
    ),
    ...(distillation !== null && {
      iterations: distillation.iterations,
      batch: distillation.batch,
      featureWeight: distillation.featureWeight,
      learningRate: distillation.learningRate,
      weightLearningRate: distillation.weightLearningRate,
      distillation: {
        train: distillation.train,
        schedule: distillation.schedule,
        loss: distillation.loss,
        features: distillation.features,
        init: distillation.init
      }
    })
  }
}

/** The exceptions of a draft as a plan has them. */
function planEntriesOf(exceptions: Draft['exceptions']): Plan['quantizers'] {
  return exceptions.map(({ name, bits }) => {
    if (bits === 'fp') return { name, quantize: false }
    return bits === 'variant' ? { name, quantize: true } : { name, bits, quantize: true }
  })
}

/** A quantizer that a plan may speak of. */
export interface PlanRow extends Pick<InspectResult['quantizable'][number], 'name' | 'kind' | 'shape'> {
  /** Whether it is quantized where nothing is said of it. */
  readonly isUsual: boolean
}

/** All quantizers of a network that a plan may speak of: those that are usual, then the others. */
export function planRowsOf({ quantizable, leftOut }: InspectResult, quantizeFirstAndLast: boolean): readonly PlanRow[] {
  const usual = quantizable.map((row) => ({ ...row, isUsual: true }))
  const others = leftOut.map((row) => ({ ...row, isUsual: quantizeFirstAndLast && row.isFirstOrLast }))
  return [...usual, ...others]
}

/** What exceptions make of a quantizer. */
export function choiceOf(
  exceptions: Draft['exceptions'],
  { name, isUsual }: Pick<PlanRow, 'name' | 'isUsual'>
): ExceptionChoice {
  const { isQuantized, bits } = plannedFor(planEntriesOf(exceptions), name, isUsual)
  return isQuantized ? (bits ?? 'variant') : 'fp'
}

/** Exceptions that make this of a quantizer: one of its own is added where the others do not. */
export function withChoice(
  exceptions: Draft['exceptions'],
  row: Pick<PlanRow, 'name' | 'isUsual'>,
  choice: ExceptionChoice
): Draft['exceptions'] {
  const others = exceptions.filter(({ name }) => name !== row.name)
  return choiceOf(others, row) === choice ? others : [...others, { name: row.name, bits: choice }]
}

/** The same with some quantizers kept at 8 bits. */
export function keptAtEight(draft: Draft, names: readonly string[]): Draft {
  const others = draft.exceptions.filter(({ name }) => !names.includes(name))
  return { ...draft, exceptions: [...others, ...names.map((name) => ({ name, bits: 8 as const }))] }
}
