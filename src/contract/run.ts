import { z } from 'zod'
import { bitsSchema, calibrationMethodSchema, methodSchema, searchSchema, zeroPointSchema } from './bounds'
import { planSchema } from './plan'

/** Features for distillation that have a name together. */
export const featureGroupsSchema = z.enum(['groups', 'blocks'])

/** How bounds (and weights) are trained. */
export const distillationSchema = z.object({
  iterations: z.int(),
  /** Patches of one iteration. */
  batch: z.int(),
  /** Of a bound relative to its tensor's range; null takes 0.01 at 2 bits, 0.005 at 3, 0.003 at more. */
  learningRate: z.number().nullable(),
  /** Of a weight; null takes 0.003 at 2 bits, 0.002 at 3, 0.001 at more. */
  weightLearningRate: z.number().nullable(),
  /** Which weights 2DQuant+ trains. */
  train: z.enum(['quantized', 'all']),
  schedule: z.enum(['cosine', 'constant']),
  loss: z.enum(['released', 'paper', 'corrected']),
  /** Weight λ of the feature term. */
  featureWeight: z.number(),
  /** What is compared beside the output: what each group of blocks gives, or each block, or what of these is named. */
  features: z.union([featureGroupsSchema, z.array(z.string()).min(1)]),
  /** The method whose bounds training starts from. */
  init: calibrationMethodSchema.extract(['dobi', 'percentile', 'minmax'])
})
export type DistillationSettings = Readonly<z.infer<typeof distillationSchema>>

/** How a run quantizes: everything that, with the model and the pictures, decides its outcome. */
export const quantizeSettingsSchema = z.object({
  bits: z.array(bitsSchema).min(1),
  methods: z.array(methodSchema).min(1),
  percentile: z.number(),
  search: searchSchema,
  searchSteps: z.int(),
  /** Runs of before there was a choice do not tell it. */
  zeroPoint: zeroPointSchema.default('float'),
  patches: z.int(),
  patchSize: z.int(),
  seed: z.int(),
  quantizeFirstAndLast: z.boolean(),
  plan: planSchema.nullable(),
  /** Null in runs without a method that trains. */
  distillation: distillationSchema.nullable()
})
export type QuantizeSettings = Readonly<z.infer<typeof quantizeSettingsSchema>>

/** What a calibration folder holds: high-resolution pictures, or low-resolution ones as the network takes them. */
export const pictureKindSchema = z.enum(['hr', 'lr'])
export type PictureKind = z.infer<typeof pictureKindSchema>

/** A folder of pictures; what a flat one holds is said where its name does not tell. */
export const pictureFolderSchema = z.object({ folder: z.string(), kind: pictureKindSchema.optional() })
export type PictureFolder = Readonly<z.infer<typeof pictureFolderSchema>>

/** What a checkpoint does not tell of its network. */
export const modelOverridesSchema = z.object({
  /** Factor between values 0 to 1 and what the network works on. */
  imageRange: z.number().positive().optional(),
  /** EDSR: factor on residual branches. */
  residualScale: z.number().positive().optional()
})

/** The file `run.json`. */
export const runFileSchema = z.object({
  schema: z.literal(1),
  appVersion: z.string(),
  /** A run in training may be going on, or have ended without a word; a paused one waits to be resumed, or to be begun. */
  state: z.enum(['training', 'paused', 'done']),
  created: z.string(),
  model: z.object({
    file: z.string(),
    sha256: z.string(),
    architecture: z.string(),
    scale: z.int(),
    imageRange: z.number().nullable(),
    residualScale: z.number().nullable()
  }),
  calibration: z.object({
    folder: z.string(),
    kind: pictureKindSchema,
    /** Of all picture files together, in order of their names. */
    sha256: z.string(),
    pictures: z.int()
  }),
  /** What the run is to be measured on at its end; absent where nothing was said. */
  sets: z.array(pictureFolderSchema).optional(),
  settings: quantizeSettingsSchema,
  /** Of the settings as JSON, so that a resumed run is known to be the same. */
  settingsSha256: z.string(),
  runtime: z.object({ name: z.string(), version: z.string(), device: z.string() })
})
export type RunFile = Readonly<z.infer<typeof runFileSchema>>
