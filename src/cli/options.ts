import { InvalidArgumentError, Option } from 'commander'
import {
  bitWidths,
  contestantTitles,
  formatBits,
  weightsNote,
  type Bits,
  type BitWidth,
  type Contestant
} from '../contract/bounds'
import type { QuantizeResult } from '../contract/results'
import { runtimeNameSchema, type RuntimeChoice, type RuntimeName } from '../contract/runtimes'
import { modelServerSchema } from '../contract/zoo'
import { featureGroupsSchema, type DistillationSettings } from '../contract/run'
import type { QuantizeConfig } from '../engine/jobs/quantize'
import { formatTable } from './table'

/** `4` or `4,3,2`. */
export function parseWidths(text: string): BitWidth[] {
  const parsed = text.split(',').map((part) => {
    const width = bitWidths.find((candidate) => candidate === Number(part))
    if (width !== undefined) return width
    const possible = `${bitWidths.slice(0, -1).join(', ')} and ${bitWidths.at(-1)}`
    throw new InvalidArgumentError(`"${text}" is not a list of bit widths; ${possible} are possible, e.g. 4,3,2.`)
  })
  return [...new Set(parsed)]
}

/** `4`, or `4/8` for 4 bits in weights and 8 in activations. */
function parseBits(text: string): Bits {
  const [weight, activation = weight, ...more] = text.split('/').flatMap(parseWidths)
  if (weight === undefined || activation === undefined || more.length > 0) {
    throw new InvalidArgumentError(`"${text}" is not one bit width such as 4, or 4/8 for weights/activations.`)
  }
  return { weight, activation }
}

/** Groups, blocks, or names of features. */
export function parseFeatures(text: string): DistillationSettings['features'] {
  return featureGroupsSchema.safeParse(text).data ?? text.split(',').map((name) => name.trim())
}

/** A list of words out of `choices`. */
export function parseList<T extends string>(choices: readonly T[]): (text: string) => T[] {
  return (text) => {
    const words = text.split(',').map((part) => part.trim())
    return words.map((word) => {
      const choice = choices.find((candidate) => candidate === word)
      if (choice === undefined) throw new InvalidArgumentError(`"${word}" is none of ${choices.join(', ')}.`)
      return choice
    })
  }
}

/** A whole number of at least `least`. */
export function parseWhole(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (text.trim() === '' || !Number.isInteger(value) || value < least || value > most) {
      const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`
      throw new InvalidArgumentError(`"${text}" is not a whole number ${range}.`)
    }
    return value
  }
}

/** A number above `above` and at most `most`. */
export function parseNumber(above: number, most = Number.MAX_VALUE): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (text.trim() === '' || !(value > above && value <= most)) {
      const limit = most === Number.MAX_VALUE ? '' : ` and at most ${most}`
      throw new InvalidArgumentError(`"${text}" is not a number above ${above}${limit}.`)
    }
    return value
  }
}

/** `640x480` (or ×): width and height. */
export function parseSize(text: string): { readonly width: number; readonly height: number } {
  const [, width, height] = /^(\d{1,5})[x×](\d{1,5})$/i.exec(text) ?? []
  const size = { width: Number(width), height: Number(height) }
  if (!(size.width >= 1 && size.height >= 1)) {
    throw new InvalidArgumentError(`"${text}" is not a size such as 128x128.`)
  }
  return size
}

export const scaleOption = (): Option =>
  new Option('--scale <n>', 'factor of enlargement; a model of another scale is refused').argParser(parseWhole(1, 8))

export const variantBitsOption = (): Option =>
  new Option('--bits <n>', 'only this bit width of a run (weights/activations where they differ: 4/8)').argParser(
    parseBits
  )

/** Where files are got from, of a command that downloads. */
export const serverOption = (): Option =>
  new Option('--from <url>', 'another server that has the same files: the address of its folder').argParser(parseServer)

function parseServer(text: string): string {
  if (modelServerSchema.safeParse(text).success) return text
  throw new InvalidArgumentError(`"${text}" is not the address of a folder, such as https://example.org/models.`)
}

export const jsonOption = (): Option => new Option('--json', 'print the result as one JSON object on stdout')

export const memoryOption = (): Option =>
  new Option(
    '--max-memory <MiB>',
    'memory for a network’s values; larger pictures are cut into tiles (default: half of what is free)'
  ).argParser(parseWhole(64))

/** What computes, of a command that runs networks. */
export const runtimeOption = (): Option =>
  new Option(
    '--runtime <name>',
    'what runs the network (default: the fastest that `2dquant doctor` has found here; onnxruntime before)'
  ).choices(runtimeNameSchema.options)

export const deviceOption = (): Option =>
  new Option('--device <name>', 'what of the runtime computes (default: cpu; of tfjs the fastest there is)')

/** The two options above as parsed. */
export interface RuntimeOptions {
  readonly runtime?: RuntimeName
  readonly device?: string
}

/** Null where neither was given. */
export function runtimeChoiceOf({ runtime, device }: RuntimeOptions): RuntimeChoice | null {
  if (runtime === undefined && device === undefined) return null
  return { runtime: runtime ?? 'onnxruntime', device: device ?? null }
}

/** What tensors do not tell about a network. */
export const imageRangeOption = (): Option =>
  new Option(
    '--img-range <n>',
    'factor between values 0–1 and what the network works on (default: 1; 255 for EDSR and window 7; found for .onnx)'
  ).argParser(parseNumber(0))

export const residualScaleOption = (): Option =>
  new Option('--res-scale <n>', 'EDSR: factor on residual branches (default: 1; 0.1 at 256 features)').argParser(
    parseNumber(0)
  )

/** The options above as parsed. */
export interface OverrideOptions {
  readonly imgRange?: number
  readonly resScale?: number
}

export function overridesOf({ imgRange, resScale }: OverrideOptions): QuantizeConfig['overrides'] {
  return {
    ...(imgRange === undefined ? {} : { imageRange: imgRange }),
    ...(resScale === undefined ? {} : { residualScale: resScale })
  }
}

/** MiB on the command line, bytes inside. */
export function bytesOf(mebibytes: number | undefined): number | undefined {
  return mebibytes === undefined ? undefined : mebibytes * 2 ** 20
}

/** Prints a result for programs. JSON goes to stdout, and nothing else does. */
export function printJson(result: unknown): void {
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`)
}

/** Shows what a run holds now, and what to type next. */
export function printRun({ run, quantizers, variants }: QuantizeResult): void {
  const rows = variants.map(({ method, bits, seconds, training }) => [
    contestantTitles[method],
    formatBits(bits),
    seconds.toFixed(2),
    training === undefined ? '' : `${training.bestIteration} of ${training.iterations}`,
    training === undefined ? '' : `${training.psnrAtStart.toFixed(2)} → ${training.psnr.toFixed(2)}`
  ])
  const isTrained = variants.some(({ training }) => training !== undefined)
  const header = ['method', 'bits', 'time (s)', ...(isTrained ? ['best iteration', 'against FP (dB)'] : [])]
  console.log(
    formatTable(
      header,
      rows.map((row) => row.slice(0, header.length))
    )
  )
  printWeightsNote(variants.map(({ method }) => method))
  console.log(`\n${quantizers} quantizers in each variant. The run is in ${run}; next:`)
  console.log(`  2dquant evaluate ${quoted(run)} --set <folder of pictures>`)
}

/** Says which of the methods in a table change weights. */
export function printWeightsNote(methods: readonly Contestant[]): void {
  if (methods.includes('2dquant+')) console.log(`\n${weightsNote}`)
}

/** A path as it must be typed. */
export function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `"${path}"`
}
