import type { DoctorResult } from '../../contract/runtimes'
import { probeAll, probeByNode, usualCandidate, type ProbeApart } from '../../runtimes/select'

/** What networks can run on here, how fast, and why the rest cannot. */
export async function doctor(probe: ProbeApart = probeByNode): Promise<DoctorResult> {
  const candidates = await probeAll(probe)
  const chosen = usualCandidate(candidates)
  return {
    candidates: [...candidates],
    chosen: chosen === null ? null : { runtime: chosen.runtime, device: chosen.device }
  }
}
