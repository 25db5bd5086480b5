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
  /** Of a forward pass of the test network; null where it does not run. */
  seconds: z.number().nullable()
})
export type ProbeResult = Readonly<z.infer<typeof probeResultSchema>>

/** A way to run networks on a machine, and whether it works. */
export const candidateSchema = probeResultSchema.extend({ runtime: runtimeNameSchema, device: z.string() })
export type Candidate = Readonly<z.infer<typeof candidateSchema>>

/** What `doctor --json` prints. `chosen` is what is used where nothing else is asked for. */
export const doctorResultSchema = z.object({
  candidates: z.array(candidateSchema),
  chosen: z.object({ runtime: runtimeNameSchema, device: z.string() }).nullable()
})
export type DoctorResult = Readonly<z.infer<typeof doctorResultSchema>>
