import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { doctorResultSchema, type DoctorResult } from '../../contract/runtimes'
import { describeMachine, libraries, type Machine } from '../../runtimes/machine'
import { fastestOf, probeAll, probeByNode, type ProbeApart } from '../../runtimes/select'
import { json, readJson, replaceFile } from '../run-folder'

/** A program's file of what was measured, in its folder for such things; Node.js and Electron have each their own. */
export function measurementsIn(folder: string): string {
  return join(folder, `runtimes-${'electron' in process.versions ? 'electron' : 'node'}.json`)
}

/** Nothing of it changes while a process lives but the libraries that are installed. */
let machine: { readonly installed: string; readonly described: Promise<Machine> } | null = null

export function thisMachine(): Promise<Machine> {
  const installed = libraries().join('\n')
  if (machine?.installed !== installed) machine = { installed, described: describeMachine() }
  return machine.described
}

/** What was measured, and the machine as it was then. */
const measuredSchema = z.object({ schema: z.literal(1), fingerprint: z.string(), result: doctorResultSchema })

/**
 * What networks can run on here, how fast, and why the rest cannot.
 *
 * @param file keeps the result, for those who choose by it; it is no loss where it cannot be written
 */
export async function doctor(file: string, probe: ProbeApart = probeByNode): Promise<DoctorResult> {
  const here = await thisMachine()
  const candidates = await probeAll(probe, here)
  const fastest = fastestOf(candidates)
  const result: DoctorResult = {
    candidates: [...candidates],
    chosen: fastest === null ? null : { runtime: fastest.candidate.runtime, device: fastest.candidate.device },
    why: fastest?.why ?? 'Nothing can run networks here.',
    measured: new Date().toISOString()
  }
  try {
    await mkdir(dirname(file), { recursive: true })
    await replaceFile(file, json({ schema: 1, fingerprint: here.fingerprint, result }))
  } catch {
    // It is measured once more then.
  }
  return result
}

/** What was measured on this machine as it is now; null where nothing was, or a version or a driver has changed. */
export async function knownDiagnosis(file: string): Promise<DoctorResult | null> {
  if (!existsSync(file)) return null
  const known = await readJson(file, measuredSchema).catch(() => null)
  if (known === null || known.fingerprint !== (await thisMachine()).fingerprint) return null
  return known.result
}
