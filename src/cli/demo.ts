import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { contestantTitles, formatBits, weightsNote } from '../contract/bounds'
import { demo, demoMethods, type DemoResult } from '../engine/jobs/demo'
import { explain } from './explain'
import { runJob } from './run-job'
import { formatTable } from './table'

/** The project's folder; this file is built to out/demo.mjs. */
const root = fileURLToPath(new URL('..', import.meta.url))
const model = join('resources', 'models', 'swinir-tiny-x4.safetensors')

function describe({ rows, calibration, evaluation, run, report }: DemoResult): string {
  const table = formatTable(
    ['method', 'bits', 'PSNR (dB)', 'SSIM', 'against FP (dB)', 'size (MB, theoretical)'],
    rows.map(({ method, bits, psnr, ssim, psnrAgainstFp, size }) => [
      contestantTitles[method],
      method === 'bicubic' ? '–' : formatBits(bits),
      psnr?.toFixed(2) ?? '–',
      ssim?.toFixed(4) ?? '–',
      psnrAgainstFp?.toFixed(2) ?? '–',
      size?.megabytes.toFixed(3) ?? '–'
    ])
  )
  return `
${table}

${weightsNote}

The report, with all pictures side by side:
  ${report}

The same by hand, and with pictures and models of your own:
  npx 2dquant quantize ${model} --calibration ${shown(calibration)} --bits 4,3,2 --method ${demoMethods.join(',')} --preset fast --out runs/first
  npx 2dquant evaluate ${shown(run)} --set ${shown(evaluation)}
  npx 2dquant upscale ${shown(run)} --method 2dquant+ --bits 4 <pictures> --out enlarged`
}

function shown(path: string): string {
  return relative(root, path)
}

const config = {
  model: join(root, model),
  samples: null,
  pictures: join(root, 'demo', 'pictures'),
  run: join(root, 'demo', 'run'),
  continues: false,
  bits: [4, 3, 2] as const
}
console.log(`2DQuant Studio quantizes ${model} on sample photographs.`)
try {
  const started = performance.now()
  const result = await runJob((context) => demo(config, context))
  console.log(describe(result))
  console.log(`\nDone in ${Math.round((performance.now() - started) / 1000)} s.`)
} catch (error) {
  const { lines, exitCode } = explain(error)
  for (const line of lines) console.error(line)
  process.exitCode = exitCode
}
