import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { reportFile, runFile } from '../../contract/names'
import type { RunDetails, RunSummary } from '../../contract/runs'
import { readEvaluation } from '../evaluation-file'
import { publishedBeside } from '../published/beside'
import { openRun, type OpenedRun } from '../run-folder'
import { readExports } from '../exports-list'
import { readUpscaled } from '../upscaled-list'

/** The runs in a folder that can be read, newest first. Others are left out: they may be on their way, or damaged. */
export async function listRuns(folder: string): Promise<readonly RunSummary[]> {
  if (!existsSync(folder)) return []
  const found: RunSummary[] = []
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    if (name.startsWith('.') || !existsSync(join(path, runFile))) continue
    try {
      found.push((await describeRun(path)).summary)
    } catch {
      continue
    }
  }
  return found.toSorted((a, b) => b.created.localeCompare(a.created))
}

/** All that a run folder tells. Throws a StudioError where it is none, or is damaged. */
export async function describeRun(folder: string): Promise<RunDetails> {
  const opened = await openRun(folder)
  const evaluation = await readEvaluation(folder)
  const { run, bounds } = opened
  return {
    summary: summarize(opened, evaluation),
    run,
    variants: bounds.variants.map(({ method, bits, training }) => ({ method, bits, ...(training && { training }) })),
    quantizers: (bounds.variants[0]?.quantizers ?? []).map(({ name, kind }) => ({ name, kind })),
    evaluation,
    published: evaluation === null ? null : publishedBeside(evaluation.results, run.model.sha256),
    upscaled: (await readUpscaled(folder)).map(({ file, name, method, bits, width, height }) => {
      return { file, name, method, bits, width, height }
    }),
    exports: await readExports(folder),
    hasReport: existsSync(join(folder, reportFile))
  }
}

function summarize({ folder, run }: OpenedRun, evaluation: RunDetails['evaluation']): RunSummary {
  const { state, created, model, settings } = run
  const means = (evaluation?.results ?? []).flatMap(({ method, sets }) => {
    const psnr = sets[0]?.mean.psnr ?? null
    return psnr === null ? [] : [{ method, psnr }]
  })
  const fp = means.find(({ method }) => method === 'fp')?.psnr
  const quantized = means.filter(({ method }) => method !== 'fp' && method !== 'bicubic').map(({ psnr }) => psnr)
  const views = evaluation?.pictures[0]?.views ?? []
  return {
    folder: resolve(folder),
    key: keyOf(folder),
    name: basename(resolve(folder)),
    state,
    created,
    model: basename(model.file),
    architecture: model.architecture,
    scale: model.scale,
    bits: settings.bits,
    methods: settings.methods,
    psnr: fp === undefined || quantized.length === 0 ? null : { best: Math.max(...quantized), fp },
    thumbnail:
      (views.find(({ method }) => method === 'fp') ?? views.find(({ method }) => method !== 'lr'))?.file ?? null
  }
}

/** What stands for a run folder in addresses: a path has letters that an address may not have. */
function keyOf(folder: string): string {
  // Beginning with a letter: digits alone would be read as an address of the internet.
  return `r${createHash('sha256').update(resolve(folder)).digest('hex').slice(0, 15)}`
}
