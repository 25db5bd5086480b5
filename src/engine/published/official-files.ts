/** A file of weights that was published. */
export interface OfficialFile {
  /** Of its bytes, in hexadecimal. */
  readonly sha256: string
  /** The name it was published under. */
  readonly name: string
  /** The scale at which Table 3 of the paper is of these very weights; null for all that are not in it. */
  readonly table3: 2 | 3 | 4 | null
}

/**
 * The files that are known bit for bit. The digests of the published SwinIR-light files are not known here, and none is
 * guessed: until they are entered, no value of the paper stands beside a measurement.
 */
export const officialFiles: readonly OfficialFile[] = []

/** The published file of this digest; null for any other. */
export function officialFile(sha256: string, files = officialFiles): OfficialFile | null {
  return files.find((file) => file.sha256 === sha256) ?? null
}
