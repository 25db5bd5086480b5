/** A file of weights that was published, known by its bytes. */
export interface OfficialFile {
  /** Of its bytes, in hexadecimal. */
  readonly sha256: string
  /** The name it was published under. */
  readonly name: string
  /** The scale at which Table 3 of the paper is of these very weights; null for all that are not in it. */
  readonly table3: 2 | 3 | 4 | null
}

/** One that can be had. */
export interface ZooModel extends OfficialFile {
  /** What it is asked for by. */
  readonly id: string
  readonly title: string
  readonly scale: number
  /** Size of the file. */
  readonly bytes: number
  /** By SPDX. */
  readonly licence: string
  /** The page of those who published it. */
  readonly source: string
  readonly url: string
}

const swinir = {
  licence: 'Apache-2.0',
  source: 'https://github.com/JingyunLiang/SwinIR',
  release: 'https://github.com/JingyunLiang/SwinIR/releases/download/v0.0'
} as const

function lightSwinir(scale: 2 | 3 | 4, bytes: number, sha256: string): ZooModel {
  const name = `002_lightweightSR_DIV2K_s64w8_SwinIR-S_x${scale}.pth`
  const { licence, source, release } = swinir
  const title = `SwinIR-light ×${scale}`
  const id = `swinir-light-x${scale}`
  return { id, title, scale, name, bytes, sha256, licence, source, url: `${release}/${name}`, table3: scale }
}

/**
 * The models of the zoo, which are also the files that are known bit for bit: the light SwinIR of its authors' release, trained
 * on DIV2K, which the paper quantizes.
 */
export const zooModels: readonly ZooModel[] = [
  lightSwinir(2, 17_147_989, '193b229909ca89cd8b55de9c9e7fce146ae759d59dfcd78d8feb9dd1d6fa0fd7'),
  lightSwinir(3, 17_180_437, '53af0cf0b15876752c1c2646a71444f739523b3d562e126d200521a817ab5d2c'),
  lightSwinir(4, 17_225_941, '09fad24e32ae62722e1a055efde9921328f4137981bab0a42a4a3a806306c58e')
]

/** The published file of this digest; null for any other. */
export function officialFile(sha256: string, files: readonly OfficialFile[] = zooModels): OfficialFile | null {
  return files.find((file) => file.sha256 === sha256) ?? null
}
