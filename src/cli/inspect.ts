import { Command, Option } from 'commander'
import type { InspectResult } from '../contract/results'
import { inspect } from '../engine/jobs/inspect'
import {
  imageRangeOption,
  jsonOption,
  overridesOf,
  parseSize,
  parseWidths,
  printJson,
  residualScaleOption,
  type OverrideOptions
} from './options'
import { formatFacts, formatTable } from './table'

interface Options extends OverrideOptions {
  readonly bits: number[]
  readonly size: { readonly width: number; readonly height: number }
  readonly json?: boolean
}

export function inspectCommand(): Command {
  return new Command('inspect')
    .description('Tell what a model is, what would be quantized, and what that gains in theory.')
    .argument('<model>', 'checkpoint or network: .pth, .pt, .safetensors or .onnx')
    .addOption(
      new Option('--bits <list>', 'bit widths to count for').argParser(parseWidths).default([4, 3, 2], '4,3,2')
    )
    .addOption(
      new Option('--size <WxH>', 'input pixels at which operations are counted')
        .argParser(parseSize)
        .default({ width: 128, height: 128 }, '128x128')
    )
    .addOption(imageRangeOption())
    .addOption(residualScaleOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExample:\n  2dquant inspect resources/models/swinir-tiny-x4.safetensors --bits 8,4 --size 640x360'
    )
    .action(async (model: string, { bits, size, json, ...rest }: Options) => {
      const result = await inspect({ model, overrides: overridesOf(rest), bits, ...size })
      if (json === true) printJson(result)
      else console.log(describe(result))
    })
}

function describe({
  architecture,
  config,
  scale,
  channels,
  parameters,
  macs,
  quantizable,
  operators,
  features,
  complexity
}: InspectResult): string {
  const weights = quantizable.filter(({ kind }) => kind === 'weight').length
  const facts: readonly (readonly [string, string])[] = [
    ['Architecture', `${architecture}, ×${scale}, ${channels === 3 ? 'RGB' : 'grey'}`],
    ...Object.entries(config).map(([name, value]) => [`  ${name}`, JSON.stringify(value)] as const),
    ['Parameters', parameters.toLocaleString('en')],
    ['Operations', `${(macs.total / 1e9).toPrecision(4)} G multiply-adds at ${macs.width}×${macs.height} input pixels`],
    ['Quantizers', `${quantizable.length}: ${weights} weights, ${quantizable.length - weights} activations`],
    ['Features', `${features.groups.length} groups, ${features.blocks.length} blocks`]
  ]
  const kinds = formatTable(
    ['operator', 'number', 'quantized', 'multiply-adds (M)', 'parameters'],
    operators.map((each) => [
      each.operator,
      String(each.count),
      each.quantized === 0 ? '' : String(each.quantized),
      each.macs === 0 ? '' : (each.macs / 1e6).toFixed(1),
      each.parameters === 0 ? '' : each.parameters.toLocaleString('en')
    ])
  )
  const table = formatTable(
    ['bits', 'size (MB)', 'compression', 'speed-up', 'size, all counted', 'compression', 'speed-up'],
    complexity.map((row) => [
      String(row.bits),
      row.sizeMB.toFixed(3),
      `${row.compression.toFixed(3)}×`,
      `${row.speedup.toFixed(3)}×`,
      row.sizeMBCorrected.toFixed(3),
      `${row.compressionCorrected.toFixed(3)}×`,
      `${row.speedupCorrected.toFixed(3)}×`
    ])
  )
  return [
    formatFacts(facts),
    '',
    kinds,
    '',
    'Theoretical gain, as the paper counts and with everything counted (biases of positions, bounds, all layers):',
    table
  ].join('\n')
}
