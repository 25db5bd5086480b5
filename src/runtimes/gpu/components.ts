import { readFileSync } from 'node:fs'
import { z } from 'zod'
import catalogue from '../../../resources/gpu-components.json' with { type: 'json' }

const digest = z.string().regex(/^[0-9a-f]{64}$/)

/** The plain name of a file: no path leads out of the folder that it is put into. */
const fileName = z.string().regex(/^[\w+][\w.+-]*$/)

/** A file that is downloaded, a zip archive, and which of its members are kept under which names. */
const partSchema = z.object({
  name: fileName,
  url: z.url({ protocol: /^https?$/ }),
  bytes: z.int(),
  sha256: digest,
  members: z.array(z.object({ path: z.string(), name: fileName, bytes: z.int() }))
})
export type GpuPart = Readonly<z.infer<typeof partSchema>>

const componentSchema = z.object({
  id: fileName,
  title: z.string(),
  /** What is installed of another version is not used; other parts are another version. Providers have onnxruntime's own. */
  version: fileName,
  /** System and processor, as Node.js names them. */
  platform: z.string(),
  /** `providers` lie beside onnxruntime; `libraries` are loaded before them, in the order of their members. */
  use: z.enum(['providers', 'libraries']),
  licences: z.array(z.object({ name: z.string(), page: z.url() })).min(1),
  source: z.url(),
  parts: z.array(partSchema).min(1)
})
export type GpuComponent = Readonly<z.infer<typeof componentSchema>>

const catalogueSchema = z.object({ schema: z.literal(1), components: z.array(componentSchema) })

/** What can be installed on this system. `STUDIO_GPU_CATALOGUE` names a file that lists other components than the program's, as tests have them. */
export function gpuComponents(): readonly GpuComponent[] {
  const file = process.env['STUDIO_GPU_CATALOGUE']
  const given: unknown = file === undefined ? catalogue : JSON.parse(readFileSync(file, 'utf8'))
  const here = `${process.platform}-${process.arch}`
  return catalogueSchema.parse(given).components.filter(({ platform }) => platform === here)
}

/** Bytes of what is downloaded of a component, and of what is kept of it. */
export function sizesOf({ parts }: GpuComponent): { readonly bytes: number; readonly unpackedBytes: number } {
  const sum = (items: readonly { readonly bytes: number }[]): number => items.reduce((all, { bytes }) => all + bytes, 0)
  return { bytes: sum(parts), unpackedBytes: sum(parts.flatMap(({ members }) => members)) }
}
