import { formatBits, trains, type Bits, type BitWidth } from './bounds'
import type { QuantizeRequest } from './jobs'
import { presetNames, settingsOf, type PresetName } from './presets'
import type { PictureFolder } from './run'

/** The file that exceptions are written to where there are any. */
const planFile = 'plan.json'

/**
 * The commands that do what a request asks for, one a line, as a POSIX shell takes them. Options that say what the preset
 * says anyway are left out; the preset is the one that leaves out most.
 *
 * @param run the run folder to make
 */
export function commandLines(request: QuantizeRequest, run: string): string {
  const { plan } = request.settings
  const candidates = presetNames.map((preset) => quantizeOptions(request, preset))
  const [shortest = []] = candidates.toSorted((a, b) => a.length - b.length)
  const lines = [
    ...(plan === null ? [] : [`printf '%s' ${quoted(JSON.stringify(plan))} > ${planFile}`]),
    ['2dquant', 'quantize', quoted(request.model), ...shortest, '--out', quoted(run)].join(' ')
  ]
  const { sets = [] } = request
  if (sets.length === 0) return lines.join('\n')
  const kinds = new Set(sets.map(({ kind }) => kind))
  const groups = [...kinds].map((kind) => sets.filter((set) => set.kind === kind))
  return [...lines, ...groups.map((group) => evaluateLine(run, group))].join('\n')
}

function evaluateLine(run: string, sets: readonly PictureFolder[]): string {
  const kind = sets[0]?.kind
  const folders = sets.map(({ folder }) => quoted(folder))
  return ['2dquant', 'evaluate', quoted(run), '--set', ...folders, ...option('--set-kind', kind)].join(' ')
}

function quantizeOptions({ calibration, settings, overrides = {} }: QuantizeRequest, preset: PresetName): string[] {
  const usual = settingsOf(preset)
  const { distillation } = settings
  const isTrained = settings.methods.some(trains) && distillation !== null
  const training = isTrained ? distillation : usual.distillation
  const { distillation: usualTraining } = usual
  return [
    ...option('--calibration', calibration.folder),
    ...option('--calibration-kind', calibration.kind),
    ...bitsOptions(settings.bits),
    ...option('--method', settings.methods.join(',')),
    ...option('--preset', preset),
    ...unless(usual.patches, '--patches', settings.patches),
    ...unless(usual.patchSize, '--patch-size', settings.patchSize),
    ...unless(usual.seed, '--seed', settings.seed),
    ...unless(usual.percentile, '--percentile', settings.percentile),
    ...unless(usual.search, '--search', settings.search),
    ...unless(usual.searchSteps, '--search-steps', settings.searchSteps),
    ...unless(usual.zeroPoint, '--zero-point', settings.zeroPoint),
    ...unless(usualTraining.iterations, '--iterations', training.iterations),
    ...unless(usualTraining.batch, '--batch', training.batch),
    ...unless(usualTraining.learningRate, '--learning-rate', training.learningRate),
    ...unless(usualTraining.weightLearningRate, '--weight-learning-rate', training.weightLearningRate),
    ...unless(usualTraining.train, '--train', training.train),
    ...unless(usualTraining.schedule, '--schedule', training.schedule),
    ...unless(usualTraining.loss, '--loss', training.loss),
    ...unless(usualTraining.featureWeight, '--lambda', training.featureWeight),
    ...unless(usualTraining.features, '--features', joined(training.features)),
    ...unless(usualTraining.init, '--init', training.init),
    ...(settings.quantizeFirstAndLast ? ['--first-and-last'] : []),
    ...(settings.plan === null ? [] : ['--plan', planFile]),
    ...option('--img-range', overrides.imageRange),
    ...option('--res-scale', overrides.residualScale)
  ]
}

/** One list where weights and activations have the same bits, else all combinations of two lists. */
function bitsOptions(bits: readonly Bits[]): string[] {
  const isEven = bits.every(({ weight, activation }) => weight === activation)
  if (isEven) return ['--bits', bits.map(formatBits).join(',')]
  const list = (pick: (each: Bits) => BitWidth): string => [...new Set(bits.map(pick))].join(',')
  return ['--weight-bits', list(({ weight }) => weight), '--activation-bits', list(({ activation }) => activation)]
}

function option(name: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [name, quoted(String(value))]
}

/** Names with commas between. */
const joined = (names: string | readonly string[]): string => (typeof names === 'string' ? names : names.join(','))

function unless(usual: unknown, name: string, value: string | number | null): string[] {
  return value === usual || value === null ? [] : option(name, value)
}

/** A word as a POSIX shell takes it. */
function quoted(word: string): string {
  return /^[\w./,:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
