import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import { Command, Option } from 'commander'
import {
  methodSchema,
  searchSchema,
  trains,
  zeroPointSchema,
  type Bits,
  type BitWidth,
  type Method,
  type Search,
  type ZeroPoint
} from '../contract/bounds'
import { planSchema, type Plan } from '../contract/plan'
import {
  distillationSchema,
  pictureKindSchema,
  type DistillationSettings,
  type PictureKind,
  type QuantizeSettings
} from '../contract/run'
import { StudioError } from '../engine/errors'
import { makePlan, planText, writePlan } from '../engine/jobs/plan'
import { quantize } from '../engine/jobs/quantize'
import { newRunFolder } from '../engine/new-run-folder'
import { presetNames, presets, settingsOf, type PresetName } from '../contract/presets'
import {
  deviceOption,
  imageRangeOption,
  jsonOption,
  overridesOf,
  parseFeatures,
  parseList,
  parseNumber,
  parseWhole,
  parseWidths,
  printJson,
  printRun,
  residualScaleOption,
  runtimeOption,
  scaleOption,
  type OverrideOptions,
  type RuntimeOptions
} from './options'
import { appRunsFolder } from './app-runs'
import { runJob } from './run-job'

export interface QuantizeOptions extends OverrideOptions, RuntimeOptions {
  readonly calibration?: string
  readonly calibrationKind?: PictureKind
  readonly scale?: number
  readonly bits: BitWidth[]
  readonly weightBits?: BitWidth[]
  readonly activationBits?: BitWidth[]
  readonly method: Method[]
  readonly percentile: number
  readonly search: Search
  readonly searchSteps?: number
  readonly zeroPoint: ZeroPoint
  readonly plan?: string
  readonly planOnly?: boolean
  readonly preset: PresetName
  readonly patches?: number
  readonly patchSize?: number
  readonly seed: number
  readonly iterations?: number
  readonly batch?: number
  readonly learningRate?: number
  readonly weightLearningRate?: number
  readonly train: DistillationSettings['train']
  readonly schedule: DistillationSettings['schedule']
  readonly loss: DistillationSettings['loss']
  readonly lambda: number
  readonly features: DistillationSettings['features']
  readonly init: DistillationSettings['init']
  readonly firstAndLast?: boolean
  readonly out?: string
  readonly json?: boolean
}

const presetTable = presetNames
  .map((name) => {
    const { patches, patchSize, searchSteps, iterations, batch } = presets[name]
    const search = `${patches} patches of ${patchSize}×${patchSize}, ${searchSteps} search steps`
    return `  ${name.padEnd(6)} ${search}; training: ${iterations} iterations of ${batch} patches`
  })
  .join('\n')

/** What is usual, for options that no preset decides. */
const usual = settingsOf('paper')

export function quantizeCommand(): Command {
  return new Command('quantize')
    .description('Find the bounds of all quantizers from calibration pictures and write a run folder.')
    .argument('<model>', 'checkpoint or network: .pth, .pt, .safetensors or .onnx')
    .option('--calibration <dir>', 'pictures: HR/ and/or LR_bicubic/X#/, or a flat folder (needed, but by --plan-only)')
    .addOption(new Option('--calibration-kind <kind>', 'what a flat folder holds').choices(pictureKindSchema.options))
    .addOption(scaleOption())
    .addOption(new Option('--bits <list>', 'bits of weights and activations').argParser(parseWidths).default([4], '4'))
    .addOption(new Option('--weight-bits <list>', 'bits of weights (default: --bits)').argParser(parseWidths))
    .addOption(new Option('--activation-bits <list>', 'bits of activations (default: --bits)').argParser(parseWidths))
    .addOption(
      new Option('--method <list>', `one or more of ${methodSchema.options.join(', ')}`)
        .argParser(parseList(methodSchema.options))
        .default(['dobi'], 'dobi')
    )
    .addOption(
      new Option('--percentile <p>', 'percentile method: share kept below the upper bound')
        .argParser(parseNumber(50, 100))
        .default(usual.percentile)
    )
    .addOption(
      new Option('--search <strategy>', 'how DOBI moves the bounds').choices(searchSchema.options).default(usual.search)
    )
    .addOption(
      new Option('--search-steps <n>', 'candidates along the search (default: by preset)').argParser(
        parseWhole(1, 10_000)
      )
    )
    .addOption(
      new Option(
        '--zero-point <kind>',
        'of all quantizers: float as in 2DQuant, or integer, with which integer files are faster'
      )
        .choices(zeroPointSchema.options)
        .default(usual.zeroPoint)
    )
    .addOption(new Option('--plan <file>', 'JSON with bits or exclusions for single quantizers'))
    .option(
      '--plan-only',
      'write the plan of what would be quantized, to be edited, and end (to --out, else to stdout)'
    )
    .addOption(
      new Option('--preset <name>', 'defaults for patches, search and training').choices(presetNames).default('paper')
    )
    .addOption(
      new Option('--patches <n>', 'calibration patches (default: by preset)').argParser(parseWhole(1, 1_000_000))
    )
    .addOption(
      new Option('--patch-size <n>', 'low-resolution pixels of a patch’s side (default: by preset)').argParser(
        parseWhole(8, 4096)
      )
    )
    .addOption(
      new Option('--seed <n>', 'seed of the patches').argParser(parseWhole(0, 2 ** 32 - 1)).default(usual.seed)
    )
    .addOption(
      new Option('--iterations <n>', 'training: iterations (default: by preset)').argParser(parseWhole(1, 1e6))
    )
    .addOption(
      new Option('--batch <n>', 'training: patches of an iteration (default: by preset)').argParser(parseWhole(1, 4096))
    )
    .addOption(
      new Option(
        '--learning-rate <x>',
        'training: of a bound, relative to its range (default: 0.01 at 2 bits, 0.005 at 3, 0.003 at more)'
      ).argParser(parseNumber(0, 1))
    )
    .addOption(
      new Option(
        '--weight-learning-rate <x>',
        '2dquant+: of a weight (default: 0.003 at 2 bits, 0.002 at 3, 0.001 at more)'
      ).argParser(parseNumber(0, 1))
    )
    .addOption(
      new Option('--train <weights>', '2dquant+: which weights are trained')
        .choices(distillationSchema.shape.train.options)
        .default(usual.distillation.train)
    )
    .addOption(
      new Option('--schedule <name>', 'training: of the learning rate')
        .choices(distillationSchema.shape.schedule.options)
        .default(usual.distillation.schedule)
    )
    .addOption(
      new Option('--loss <name>', 'training: how student and teacher are compared')
        .choices(distillationSchema.shape.loss.options)
        .default(usual.distillation.loss)
    )
    .addOption(
      new Option('--lambda <x>', 'training: weight of the feature term')
        .argParser(parseNumber(-1e-9))
        .default(usual.distillation.featureWeight)
    )
    .addOption(
      new Option(
        '--features <which>',
        'training: what is compared beside the output: groups, blocks, or some of these by name, with commas between'
      )
        .argParser(parseFeatures)
        .default(usual.distillation.features)
    )
    .addOption(
      new Option('--init <method>', 'training: the bounds to start from')
        .choices(distillationSchema.shape.init.options)
        .default(usual.distillation.init)
    )
    .addOption(
      new Option('--first-and-last', 'also quantize the first and the last convolution, where convolutions are')
    )
    .addOption(imageRangeOption())
    .addOption(residualScaleOption())
    .addOption(runtimeOption())
    .addOption(deviceOption())
    .option('--out <run>', 'run folder to make (default: a new one where the app keeps its runs)')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `\nPresets (all with the schedule ${usual.distillation.schedule} and the loss ${usual.distillation.loss}):\n${presetTable}\n\nExamples:
  2dquant quantize model.pth --calibration DIV2K --bits 4 --out runs/first
  2dquant quantize model.pth --calibration photos --calibration-kind hr --bits 4,3,2 --method minmax,percentile,dobi --out runs/all
  2dquant quantize model.pth --calibration DIV2K --bits 2 --method 2dquant,2dquant+ --preset fast --out runs/trained
  2dquant quantize model.onnx --plan-only --out plan.json

Ctrl+C pauses training; \`2dquant resume <run>\` goes on from there.`
    )
    .action(async (model: string, options: QuantizeOptions) => {
      const plan = options.plan === undefined ? null : await readPlan(options.plan)
      const { calibration } = options
      if (options.planOnly === true) {
        const whole = await makePlan(model, overridesOf(options), options.firstAndLast ?? false, plan)
        if (options.out === undefined) process.stdout.write(planText(whole))
        else await writePlan(options.out, whole)
        return
      }
      if (calibration === undefined) {
        throw new StudioError('usage', 'Give the folder of pictures to calibrate with by --calibration.')
      }
      const result = await runJob(
        async (context) =>
          quantize(
            {
              model,
              overrides: overridesOf(options),
              scale: options.scale,
              calibration,
              calibrationKind: options.calibrationKind,
              settings: settingsFrom(options, plan),
              out: options.out ?? newRunFolder(await appRunsFolder(), basename(model, extname(model))),
              tellsTime: true
            },
            context
          ),
        options
      )
      if (options.json === true) {
        printJson(result)
        return
      }
      printRun(result)
    })
}

/** What the preset says, and what the options say otherwise. */
export function settingsFrom(options: QuantizeOptions, plan: Plan | null): QuantizeSettings {
  const preset = settingsOf(options.preset)
  const training = preset.distillation
  return {
    bits: combinations(options),
    methods: [...new Set(options.method)],
    percentile: options.percentile,
    search: options.search,
    searchSteps: options.searchSteps ?? preset.searchSteps,
    zeroPoint: options.zeroPoint,
    patches: options.patches ?? preset.patches,
    patchSize: options.patchSize ?? preset.patchSize,
    seed: options.seed,
    quantizeFirstAndLast: options.firstAndLast ?? preset.quantizeFirstAndLast,
    plan,
    distillation: options.method.some(trains)
      ? {
          iterations: options.iterations ?? training.iterations,
          batch: options.batch ?? training.batch,
          learningRate: options.learningRate ?? training.learningRate,
          weightLearningRate: options.weightLearningRate ?? training.weightLearningRate,
          train: options.train,
          schedule: options.schedule,
          loss: options.loss,
          featureWeight: Math.max(0, options.lambda),
          features: options.features,
          init: options.init
        }
      : null
  }
}

/** All combinations of weight and activation bits; `--bits` alone gives both the same. */
function combinations({ bits, weightBits, activationBits }: QuantizeOptions): Bits[] {
  if (weightBits === undefined && activationBits === undefined) {
    return bits.map((each) => ({ weight: each, activation: each }))
  }
  return (weightBits ?? bits).flatMap((weight) =>
    (activationBits ?? bits).map((activation) => ({ weight, activation }))
  )
}

async function readPlan(path: string): Promise<Plan> {
  if (!existsSync(path)) throw new StudioError('missing', `There is no plan "${path}".`)
  let json: unknown
  try {
    json = JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    throw new StudioError('unreadable', `The plan "${path}" is no JSON.`, { cause })
  }
  const plan = planSchema.safeParse(json)
  if (plan.success) return plan.data
  const [issue] = plan.error.issues
  const where = issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`
  throw new StudioError(
    'unreadable',
    `The plan "${path}" is not as docs/cli.md describes${where}: ${issue?.message ?? ''}.`
  )
}
