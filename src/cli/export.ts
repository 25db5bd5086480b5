import { Command, InvalidArgumentError, Option } from 'commander'
import { contestantTitles, formatBits, methodSchema, type Bits, type Method } from '../contract/bounds'
import { exportKindSchema, type ExportKind, type ExportResult } from '../contract/results'
import { pictureKindSchema, type PictureKind } from '../contract/run'
import { exportVariant } from '../engine/jobs/export'
import { jsonOption, printJson, printWeightsNote, variantBitsOption } from './options'
import { runJob } from './run-job'
import { formatFacts } from './table'

interface Options {
  readonly method?: Method
  readonly bits?: Bits
  readonly kind: ExportKind
  readonly out?: string
  readonly opset: 21 | 25
  readonly pictures?: string
  readonly picturesKind?: PictureKind
  readonly json?: boolean
}

export function exportCommand(): Command {
  return new Command('export')
    .description('Write a variant of a run as a file, checked against the simulation on real pictures.')
    .argument('<run>', 'a run folder')
    .addOption(new Option('--method <name>', 'which method of the run').choices(methodSchema.options))
    .addOption(variantBitsOption())
    .addOption(
      new Option(
        '--kind <kind>',
        'packed: ONNX with weights in types of their bits; compact: the smallest ONNX; integer: ONNX that computes in integers; safetensors: codes and bounds; bounds: JSON'
      )
        .choices(exportKindSchema.options)
        .default('packed')
    )
    .option('--out <file>', 'file to make (default: in the run’s folder)')
    .addOption(
      new Option('--opset <n>', 'newest ONNX operators that may be used; 25 stores 2 bits in two, 21 in four')
        .argParser(parseOpset)
        .default(25)
    )
    .option('--pictures <dir>', 'pictures to check the file on (default: those of the calibration)')
    .addOption(new Option('--pictures-kind <kind>', 'what a flat folder holds').choices(pictureKindSchema.options))
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  2dquant export runs/first\n  2dquant export runs/all --method 2dquant --bits 4 --kind safetensors --out model.safetensors'
    )
    .action(async (run: string, options: Options) => {
      const { method, bits, kind, out = null, opset, pictures } = options
      const folder = pictures === undefined ? null : { folder: pictures, kind: options.picturesKind }
      const filter = { method, bits }
      const result = await runJob((context) =>
        exportVariant({ run, filter, kind, out, opset, pictures: folder, isTimed: true }, context)
      )
      if (options.json === true) {
        printJson(result)
        return
      }
      console.log(describe(result))
      printWeightsNote([result.method])
    })
}

const partNames: Readonly<Record<ExportResult['parts'][number]['part'], string>> = {
  codes: 'Quantized weights',
  tensors: 'Other tensors',
  structure: 'Structure'
}

function describe({ file, kind, method, bits, opset, bytes, fpBytes, parts, check, speed }: ExportResult): string {
  const size = (count: number): string => `${(count / 1e6).toFixed(3)} MB`
  const decibels = (value: number | null): string => (value === null ? '–' : `${value.toFixed(3)} dB`)
  const rows: [string, string][] = [
    ['File', file],
    [
      'Variant',
      `${contestantTitles[method]} at ${formatBits(bits)} bits, ${kind}${opset === null ? '' : `, opset ${opset}`}`
    ],
    [
      'Size',
      kind === 'bounds'
        ? size(bytes)
        : `${size(bytes)}, ${(fpBytes / bytes).toFixed(2)} times smaller than in full precision (${size(fpBytes)})`
    ],
    ...parts.map((part): [string, string] => [`  ${partNames[part.part]}`, size(part.bytes)])
  ]
  if (check !== null) {
    const { pictures, equalPixels, simulation, exported } = check
    rows.push(
      ['Checked on', `${pictures} pictures, ${(100 * equalPixels).toFixed(3)} % of all samples as in the simulation`],
      ['PSNR', `${decibels(exported)}; simulation ${decibels(simulation)}`]
    )
  }
  if (speed !== null) {
    const { width, height, fp } = speed
    const times = (fp / speed.exported).toFixed(2)
    rows.push([
      'Speed',
      `${speed.exported.toFixed(3)} s at ${width}×${height}, full precision ${fp.toFixed(3)} s (${times} times as fast)`
    ])
  }
  return formatFacts(rows)
}

function parseOpset(text: string): 21 | 25 {
  if (text === '21') return 21
  if (text === '25') return 25
  throw new InvalidArgumentError(`"${text}" is none of 21 and 25.`)
}
