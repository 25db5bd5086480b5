import type { DoctorResult } from '../../contract/results'
import { selectRuntime } from '../../runtimes/select'

/** What networks can run on here, and why the rest cannot. */
export async function doctor(): Promise<DoctorResult> {
  const { candidates, chosen } = await selectRuntime()
  return {
    candidates: candidates.map((candidate) => ({ ...candidate })),
    chosen: chosen === null ? null : { runtime: chosen.name, device: chosen.device }
  }
}
