import { z } from 'zod'

/** What computes networks. */
export const runtimeNameSchema = z.enum(['onnxruntime', 'tfjs'])
export type RuntimeName = z.infer<typeof runtimeNameSchema>

/**
 * A runtime that was asked for. Without a device, onnxruntime takes the processor and tfjs the fastest that loads
 * (node-gpu, node, wasm, cpu).
 */
export const runtimeChoiceSchema = z.object({ runtime: runtimeNameSchema, device: z.string().nullable() })
export type RuntimeChoice = Readonly<z.infer<typeof runtimeChoiceSchema>>

/** What came of trying a runtime with a small network. */
export const probeResultSchema = z.object({
  version: z.string(),
  usable: z.boolean(),
  /** Why it is usable or not, one sentence. */
  reason: z.string(),
  /** Pictures a second of the test network at batches of so many, as far as it was measured. */
  speeds: z.array(z.object({ batch: z.int(), perSecond: z.number() }))
})
export type ProbeResult = Readonly<z.infer<typeof probeResultSchema>>

/** A way to run networks on a machine, and whether it works. */
export const candidateSchema = probeResultSchema.extend({
  runtime: runtimeNameSchema,
  device: z.string(),
  /** What computes, as the system names it, and bytes of its memory; null where that is not known. */
  hardware: z.object({ name: z.string(), memoryBytes: z.number().nullable() }).nullable()
})
export type Candidate = Readonly<z.infer<typeof candidateSchema>>

/** Pictures a second that a candidate computes at its best batch, and that batch; null where nothing was measured. */
export function bestSpeed({ speeds }: Pick<Candidate, 'speeds'>): Candidate['speeds'][number] | null {
  return speeds.toSorted((a, b) => b.perSecond - a.perSecond)[0] ?? null
}

/** What `doctor --json` prints. `chosen` is what is used where nothing else is asked for, and `why` that is so. */
export const doctorResultSchema = z.object({
  candidates: z.array(candidateSchema),
  chosen: z.object({ runtime: runtimeNameSchema, device: z.string() }).nullable(),
  why: z.string(),
  /** When it was measured: an ISO date. */
  measured: z.string()
})
export type DoctorResult = Readonly<z.infer<typeof doctorResultSchema>>
