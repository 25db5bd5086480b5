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
 * The files that are known bit for bit: those of SwinIR's release v0.0 (github.com/JingyunLiang/SwinIR) by the digests that
 * several projects check their downloads against, independently of each other. No such digest is known of the file for ×3, and
 * none is guessed.
 */
export const officialFiles: readonly OfficialFile[] = [
  {
    sha256: '193b229909ca89cd8b55de9c9e7fce146ae759d59dfcd78d8feb9dd1d6fa0fd7',
    name: '002_lightweightSR_DIV2K_s64w8_SwinIR-S_x2.pth',
    table3: 2
  },
  {
    sha256: '09fad24e32ae62722e1a055efde9921328f4137981bab0a42a4a3a806306c58e',
    name: '002_lightweightSR_DIV2K_s64w8_SwinIR-S_x4.pth',
    table3: 4
  }
]

/** The published file of this digest; null for any other. */
export function officialFile(sha256: string, files = officialFiles): OfficialFile | null {
  return files.find((file) => file.sha256 === sha256) ?? null
}
