import type { NetworkInput } from '../../contract/results'

/** What the page asks of its worker: to enlarge a picture, by the network that it loaded or is to load. */
export interface Asked {
  /** Address of the exported file. */
  readonly network: string
  readonly input: NetworkInput
  readonly picture: Blob
  /** What the simulation made of the same picture, and the original; null for none. */
  readonly simulation: Blob | null
  readonly original: Blob | null
}

export interface Size {
  readonly width: number
  readonly height: number
}

/** How a picture that was made here is like the simulation's. */
export interface Agreement {
  /** The share of samples that are equal. */
  readonly equal: number
  /** PSNR on Y in dB between the two, Infinity for equal pictures. */
  readonly psnr: number
  /** PSNR on Y in dB of both against the original; null where there is none. */
  readonly ofBoth: { readonly here: number; readonly simulation: number } | null
}

/** What the worker tells. */
export type Told =
  /** The network is being loaded. */
  | { readonly kind: 'loading' }
  /** A picture is being enlarged: what of it is taken. */
  | { readonly kind: 'running'; readonly size: Size; readonly isCropped: boolean }
  | {
      readonly kind: 'done'
      readonly seconds: number
      /** Of onnxruntime-web. */
      readonly version: string
      readonly enlarged: ImageData
      readonly agreement: Agreement | null
    }
  | { readonly kind: 'failed'; readonly message: string }
