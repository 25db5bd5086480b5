import { z } from 'zod'

/** The address of a folder on a server that has the published files under their names. */
export const modelServerSchema = z.url({ protocol: /^https?$/ })

/** A published model, and how it stands with it on this machine. */
export const zooEntrySchema = z.object({
  id: z.string(),
  title: z.string(),
  /** Size of the file. */
  bytes: z.int(),
  /** Of the file, in hexadecimal. */
  sha256: z.string(),
  /** By SPDX. */
  licence: z.string(),
  /** The page of those who published it. */
  source: z.string(),
  /** Where the file is; null while it is not here. */
  path: z.string().nullable(),
  /** Bytes of it that have come, of a download that goes on or was broken off. */
  received: z.int(),
  isDownloading: z.boolean()
})
export type ZooEntry = Readonly<z.infer<typeof zooEntrySchema>>
