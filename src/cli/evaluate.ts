import { Command, Option } from 'commander'
import { contestantTitles, formatBits, methodSchema, type Bits, type Method } from '../contract/bounds'
import type { EvaluateResult, SetScores } from '../contract/results'
import { pictureKindSchema, type PictureKind } from '../contract/run'
import { evaluate } from '../engine/jobs/evaluate'
import {
  bytesOf,
  deviceOption,
  imageRangeOption,
  jsonOption,
  memoryOption,
  overridesOf,
  printJson,
  printWeightsNote,
  residualScaleOption,
  runtimeOption,
  scaleOption,
  variantBitsOption,
  type OverrideOptions,
  type RuntimeOptions
} from './options'
import { runJob } from './run-job'
import { formatTable } from './table'

interface Options extends OverrideOptions, RuntimeOptions {
  readonly set: string[]
  readonly setKind?: PictureKind
  readonly scale?: number
  readonly method?: Method
  readonly bits?: Bits
  readonly maxMemory?: number
  readonly json?: boolean
}

export function evaluateCommand(): Command {
  return new Command('evaluate')
    .description(
      'Measure PSNR and SSIM (on Y, border of `scale` pixels, 8-bit output) of a model, a run’s variants, or bicubic.'
    )
    .argument('<model|run|bicubic>', 'a checkpoint, a run folder, or the word bicubic')
    .requiredOption('--set <dir...>', 'folders of pictures: HR/ and/or LR_bicubic/X#/, or flat')
    .addOption(new Option('--set-kind <kind>', 'what flat folders hold').choices(pictureKindSchema.options))
    .addOption(scaleOption())
    .addOption(new Option('--method <name>', 'only this method of a run').choices(methodSchema.options))
    .addOption(variantBitsOption())
    .addOption(runtimeOption())
    .addOption(deviceOption())
    .addOption(memoryOption())
    .addOption(imageRangeOption())
    .addOption(residualScaleOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `\nExamples:
  2dquant evaluate model.pth --set Set5
  2dquant evaluate runs/first --set Set5 Set14 --json
  2dquant evaluate bicubic --set Set5 --scale 4`
    )
    .action(async (subject: string, options: Options) => {
      const result = await runJob(
        (context) =>
          evaluate(
            {
              subject,
              overrides: overridesOf(options),
              filter: { method: options.method, bits: options.bits },
              sets: options.set.map((folder) => ({ folder, kind: options.setKind })),
              scale: options.scale,
              memoryCap: bytesOf(options.maxMemory)
            },
            context
          ),
        options
      )
      if (options.json === true) printJson(result)
      else {
        console.log(describe(result))
        printWeightsNote(result.results.map(({ method }) => method))
      }
    })
}

function describe({ results }: EvaluateResult): string {
  const [first] = results
  const parts = [table(results, 'sets', ({ sets }) => sets)]
  if (results.some(({ againstFp }) => againstFp !== undefined) && first?.sets[0]?.reference === 'hr') {
    parts.push(
      '',
      'Against the full-precision output:',
      table(results, 'againstFp', ({ againstFp }) => againstFp ?? [])
    )
  }
  return parts.join('\n')
}

function table(
  results: EvaluateResult['results'],
  kind: 'sets' | 'againstFp',
  pick: (result: EvaluateResult['results'][number]) => readonly SetScores[]
): string {
  const shown = results.filter((result) => pick(result).length > 0)
  const sets = shown[0] === undefined ? [] : pick(shown[0])
  const title = ({ name, reference }: SetScores): string =>
    kind === 'sets' && reference === 'fp' ? `${name} against FP` : name
  return formatTable(
    ['method', 'bits', ...sets.flatMap((set) => [`${title(set)} PSNR (dB)`, 'SSIM'])],
    shown.map((result) => [
      contestantTitles[result.method],
      result.method === 'bicubic' ? '–' : formatBits(result.bits),
      ...pick(result).flatMap(({ mean }) => [mean.psnr?.toFixed(2) ?? '∞', mean.ssim?.toFixed(4) ?? '–'])
    ])
  )
}
