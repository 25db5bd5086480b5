import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { overridesOf } from '../../src/cli/options'
import { quantizeCommand, settingsFrom, type QuantizeOptions } from '../../src/cli/quantize'
import { commandLines } from '../../src/contract/command-line'
import type { QuantizeRequest } from '../../src/contract/jobs'
import { planSchema } from '../../src/contract/plan'
import { settingsOf } from '../../src/contract/presets'
import { temporaryFolder } from './run-cli'

const fast = settingsOf('fast')

const request = (parts: Partial<QuantizeRequest> = {}): QuantizeRequest => ({
  kind: 'quantize',
  model: '/models/light x4.pth',
  calibration: { folder: '/pictures' },
  settings: { ...fast, distillation: null },
  ...parts
})

/** The commands as a shell takes them: the words of each, and what is written to plan.json. */
function shell(lines: string): { readonly commands: readonly (readonly string[])[]; readonly folder: string } {
  const folder = temporaryFolder()
  const script = join(folder, 'script.sh')
  // The program's name begins with a digit, which no function's may.
  writeFileSync(script, `told() { printf '%s\\0' "$@"; printf '\\n'; }\n${lines.replaceAll(/^2dquant /gm, 'told ')}\n`)
  const output = execFileSync('sh', [script], { cwd: folder, encoding: 'utf8' })
  const commands = output.split('\n').filter(Boolean)
  return { commands: commands.map((line) => line.split('\0').slice(0, -1)), folder }
}

/** What the command line would do, told what a shell tells it. */
async function understood(
  words: readonly string[],
  folder: string
): Promise<QuantizeRequest & { readonly out: string }> {
  const [name, ...rest] = words
  expect(name).toBe('quantize')
  const told: { model: string; options: QuantizeOptions }[] = []
  await quantizeCommand()
    .exitOverride()
    .action((model: string, options: QuantizeOptions) => {
      told.push({ model, options })
    })
    .parseAsync(rest, { from: 'user' })
  const [{ model, options } = { model: '', options: {} as QuantizeOptions }] = told
  const { calibration = '', calibrationKind: kind, plan } = options
  const planned = plan === undefined ? null : planSchema.parse(JSON.parse(readFileSync(join(folder, plan), 'utf8')))
  return {
    kind: 'quantize',
    model,
    overrides: overridesOf(options),
    calibration: { folder: calibration, ...(kind && { kind }) },
    settings: settingsFrom(options, planned),
    out: options.out ?? ''
  }
}

describe('the command line that is equal to a request', () => {
  const training = { ...fast.distillation, featureWeight: 0.05, train: 'quantized', loss: 'paper' } as const
  it.each<[string, QuantizeRequest]>([
    ['of the usual settings', request()],
    ['of every preset', request({ settings: { ...settingsOf('best'), methods: ['dobi', '2dquant', '2dquant+'] } })],
    [
      'that differs from every preset',
      request({
        overrides: { imageRange: 255, residualScale: 0.1 },
        calibration: { folder: "/it's here/$HOME", kind: 'lr' },
        settings: {
          ...fast,
          bits: [
            { weight: 4, activation: 8 },
            { weight: 4, activation: 6 },
            { weight: 2, activation: 8 },
            { weight: 2, activation: 6 }
          ],
          methods: ['minmax', 'percentile', 'dobi', '2dquant+'],
          percentile: 99.5,
          search: 'joint',
          searchSteps: 77,
          zeroPoint: 'integer',
          patches: 5,
          patchSize: 40,
          seed: 4_000_000_000,
          quantizeFirstAndLast: true,
          plan: {
            schema: 1,
            quantizers: [
              { name: "it's.*", bits: 8 },
              { name: 'head', quantize: false }
            ]
          },
          distillation: { ...training, iterations: 12, batch: 3, learningRate: 0.004, weightLearningRate: 1e-5 }
        }
      })
    ]
  ])('asks for the same: %s', async (_, wanted) => {
    const { commands, folder } = shell(commandLines(wanted, 'runs/a b'))
    expect(commands).toHaveLength(1)
    const { out, ...found } = await understood(commands[0] ?? [], folder)
    expect(out).toBe('runs/a b')
    expect(found).toEqual({ overrides: {}, ...wanted })
  })

  it('leaves out what the nearest preset says', () => {
    const lines = commandLines(request({ settings: { ...settingsOf('paper'), distillation: null } }), 'out')
    expect(lines).toBe(
      "2dquant quantize '/models/light x4.pth' --calibration /pictures --bits 4 --method dobi --preset paper --out out"
    )
  })

  it('measures sets, those of one kind together', () => {
    const sets = [{ folder: '/Set5' }, { folder: '/flat', kind: 'hr' as const }, { folder: '/Set14' }]
    const { commands } = shell(commandLines(request({ sets }), 'out'))
    expect(commands.slice(1)).toEqual([
      ['evaluate', 'out', '--set', '/Set5', '/Set14'],
      ['evaluate', 'out', '--set', '/flat', '--set-kind', 'hr']
    ])
  })
})
