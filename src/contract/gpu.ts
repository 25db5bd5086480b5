import { z } from 'zod'

/** The folder, in an engine's own, that holds libraries for GPUs, and the variable that tells processes where it is. */
export const gpuFolderName = 'gpu'
export const gpuFolderVariable = 'STUDIO_GPU_FOLDER'

/** A component of GPU support, and how it stands with it on this machine. */
export const gpuEntrySchema = z.object({
  /** What it is asked for by. */
  id: z.string(),
  title: z.string(),
  version: z.string(),
  /** `providers` are onnxruntime's own libraries for GPUs; `libraries` are those of NVIDIA that they need. */
  use: z.enum(['providers', 'libraries']),
  licences: z.array(z.object({ name: z.string(), page: z.string() })),
  /** The page of those who published it. */
  source: z.string(),
  /** The files that it is in, where they are, and their bytes and SHA-256 in hexadecimal. */
  parts: z.array(z.object({ name: z.string(), url: z.string(), bytes: z.int(), sha256: z.string() })),
  /** Bytes of all its files as they are downloaded, and of what is kept of them. */
  bytes: z.int(),
  unpackedBytes: z.int(),
  /** `outdated`: one of another version of the program is there, which is not used. */
  state: z.enum(['absent', 'outdated', 'installed']),
  /** Bytes of its files that have come, of an installation that goes on or was broken off. */
  received: z.int(),
  /** What an installation is doing; null where none goes on. */
  step: z.enum(['download', 'unpack']).nullable()
})
export type GpuEntry = Readonly<z.infer<typeof gpuEntrySchema>>
