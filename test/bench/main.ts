import { distillationBenchmarks, memoryOfDistillation } from './distillation'
import { engineBenchmarks, memoryOfCalibration } from './engine'
import type { Figure } from './figure'

/** `npm run bench [-- GROUP…] [--json]`: prints every figure of the groups; exit code 1 when one falls short. */
const groups: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  engine: engineBenchmarks,
  distillation: distillationBenchmarks
}

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
  if (unknown === undefined) process.exitCode = await run(wanted.length === 0 ? Object.keys(groups) : wanted)
  else {
    console.error(`error: there is no group "${unknown}"; there are ${Object.keys(groups).join(', ')}.`)
    process.exitCode = 2
  }
}

async function run(names: readonly string[]): Promise<number> {
  const figures: (Figure & { readonly ok: boolean })[] = []
  for (const name of names) {
    for (const figure of (await groups[name]?.()) ?? []) {
      figures.push({ ...figure, ok: figure.atMost === undefined || figure.value <= figure.atMost })
    }
  }
  if (json)
    console.log(
      JSON.stringify(figures.map(({ name, value, atMost, ok }) => ({ name, value, required: atMost ?? null, ok })))
    )
  else {
    const width = Math.max(...figures.map(({ name }) => name.length))
    for (const { name, value, atMost, ok } of figures) {
      const required = atMost === undefined ? '' : `at most ${atMost}`
      console.log(`${ok ? 'ok  ' : 'MISS'}  ${name.padEnd(width)}  ${value.toPrecision(4).padStart(8)}  ${required}`)
    }
  }
  return figures.every(({ ok }) => ok) ? 0 : 1
}
