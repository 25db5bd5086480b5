import { writeFile } from 'node:fs/promises'
import type { Plan } from '../../contract/plan'
import { StudioError } from '../../core/errors'
import type { ModelOverrides } from '../../core/models/model'
import { loadModel } from '../model-file'
import { wholePlan } from '../plan'

/** What would be quantized of a network under a plan, as a plan that can be edited. */
export async function makePlan(
  path: string,
  overrides: ModelOverrides,
  firstAndLast: boolean,
  plan: Plan | null
): Promise<Plan> {
  return wholePlan((await loadModel(path, overrides)).model, firstAndLast, plan)
}

/** Writes a plan file. Throws a StudioError where there is one already, or where it cannot be written. */
export async function writePlan(path: string, plan: Plan): Promise<void> {
  try {
    await writeFile(path, planText(plan), { flag: 'wx' })
  } catch (cause) {
    const exists = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST'
    const what = exists ? `There is "${path}" already` : `The plan "${path}" cannot be written`
    throw new StudioError('refused', `${what}; give another name by --out.`, { cause })
  }
}

/** A plan as its file holds it: one line for each quantizer. */
export function planText({ schema, quantizers }: Plan): string {
  const lines = quantizers.map((entry) => `  ${JSON.stringify(entry)}`)
  return `{"schema":${schema},"quantizers":[\n${lines.join(',\n')}\n]}\n`
}
