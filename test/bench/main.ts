import { appBenchmarks, viewerBenchmarks } from './app'
import { distillationBenchmarks, memoryOfDistillation } from './distillation'
import { engineBenchmarks, memoryOfCalibration } from './engine'
import { estimateBenchmarks } from './estimates'
import { exportBenchmarks } from './export'
import { isMet, type Figure } from './figure'
import { importedModelBenchmarks, modelBenchmarks } from './models'
import { bestQualityBenchmarks, qualityBenchmarks } from './quality'
import { runtimeBenchmarks } from './runtimes'

/** `npm run bench [-- GROUP…] [--json]`: prints every figure of the groups; exit code 1 when one falls short. */
const groups: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  engine: engineBenchmarks,
  distillation: distillationBenchmarks,
  estimates: estimateBenchmarks,
  quality: qualityBenchmarks,
  'quality-best': bestQualityBenchmarks,
  'models-fp': importedModelBenchmarks,
  models: modelBenchmarks,
  export: exportBenchmarks,
  runtimes: runtimeBenchmarks,
  viewer: viewerBenchmarks,
  app: appBenchmarks
}

/** Groups that a run without names leaves out: they take too long, or need a display. */
const long = new Set(['quality-best', 'models', 'runtimes', 'viewer', 'app'])

const words = process.argv.slice(2)
const json = words.includes('--json')
const wanted = words.filter((word) => !word.startsWith('--'))

if (words[0] === '--calibrate') {
  // A child of the group `engine`: one calibration, whose peak memory is the process's.
  console.log(await memoryOfCalibration(Number(words[1])))
} else if (words[0] === '--distil') {
  console.log(await memoryOfDistillation(words[1] === 'weights' ? 'weights' : 'bounds'))
} else {
  const unknown = wanted.find((name) => !(name in groups))
  if (unknown === undefined)
    process.exitCode = await run(wanted.length === 0 ? Object.keys(groups).filter((name) => !long.has(name)) : wanted)
  else {
    console.error(`error: there is no group "${unknown}"; there are ${Object.keys(groups).join(', ')}.`)
    process.exitCode = 2
  }
}

async function run(names: readonly string[]): Promise<number> {
  const figures: (Figure & { readonly ok: boolean })[] = []
  for (const name of names) {
    for (const figure of (await groups[name]?.()) ?? []) {
      figures.push({ ...figure, ok: isMet(figure) })
    }
  }
  if (json)
    console.log(
      JSON.stringify(
        figures.map(({ name, value, atMost, atLeast, ok }) => ({
          name,
          value,
          required: atMost ?? atLeast ?? null,
          ok
        }))
      )
    )
  else {
    const width = Math.max(...figures.map(({ name }) => name.length))
    for (const { name, value, atMost, atLeast, ok } of figures) {
      const limits = [
        atMost === undefined ? '' : `at most ${atMost}`,
        atLeast === undefined ? '' : `at least ${atLeast}`
      ]
      const required = limits.filter((limit) => limit !== '').join(', ')
      console.log(`${ok ? 'ok  ' : 'MISS'}  ${name.padEnd(width)}  ${value.toPrecision(4).padStart(8)}  ${required}`)
    }
  }
  return figures.every(({ ok }) => ok) ? 0 : 1
}
