import { Command, Option } from 'commander'
import { methodSchema, type Bits, type Method } from '../contract/bounds'
import { upscale } from '../engine/jobs/upscale'
import {
  bytesOf,
  deviceOption,
  imageRangeOption,
  jsonOption,
  memoryOption,
  overridesOf,
  printJson,
  residualScaleOption,
  runtimeOption,
  variantBitsOption,
  type OverrideOptions,
  type RuntimeOptions
} from './options'
import { runJob } from './run-job'

interface Options extends OverrideOptions, RuntimeOptions {
  readonly out: string
  readonly method?: Method
  readonly bits?: Bits
  readonly maxMemory?: number
  readonly json?: boolean
}

export function upscaleCommand(): Command {
  return new Command('upscale')
    .description('Enlarge pictures with a model or one variant of a run.')
    .argument('<model|run>', 'a checkpoint or a run folder')
    .argument('<images...>', 'pictures (PNG, JPEG, WebP, TIFF) or folders of them')
    .requiredOption('--out <dir>', 'folder for the results, NAME_x4.png')
    .addOption(new Option('--method <name>', 'which method of a run').choices(methodSchema.options))
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
  2dquant upscale model.pth photo.jpg --out enlarged
  2dquant upscale runs/first photos --method dobi --bits 4 --out enlarged`
    )
    .action(async (subject: string, inputs: string[], options: Options) => {
      const result = await runJob(
        (context) =>
          upscale(
            {
              subject,
              overrides: overridesOf(options),
              filter: { method: options.method, bits: options.bits },
              inputs,
              out: options.out,
              memoryCap: bytesOf(options.maxMemory)
            },
            context
          ),
        options
      )
      if (options.json === true) printJson(result)
      else {
        for (const { output, width, height, seconds, tiles } of result.images) {
          const inTiles = tiles > 1 ? `, ${tiles} tiles` : ''
          console.log(`${output}  ${width}×${height}, ${seconds.toFixed(1)} s${inTiles}`)
        }
      }
    })
}
