import { env, InferenceSession, Tensor } from 'onnxruntime-web/wasm'
import webAssembly from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url'
import type { NetworkInput } from '../../contract/results'
import { psnr } from '../../core/evaluation/psnr'
import { crop, padTo, quantizeTo8Bit, toTensor, fromTensor, type Image } from '../../core/imaging/image'
import { toGrey } from '../../core/imaging/ycbcr'
import type { Agreement, Asked, Told } from './messages'

/** Pixels of low resolution on a side, above which one thread takes minutes. */
const mostPixels = 384

env.wasm.wasmPaths = { wasm: new URL(webAssembly, self.location.href).href }
// More would need shared memory, which a page without special headers does not have.
env.wasm.numThreads = 1

let session: Promise<InferenceSession> | null = null

self.onmessage = ({ data }: MessageEvent<Asked>): void => {
  enlarge(data).catch((error: unknown) => {
    tell({ kind: 'failed', message: error instanceof Error ? error.message : String(error) })
  })
}

function tell(told: Told): void {
  self.postMessage(told)
}

async function enlarge({ network, input, picture, simulation, original }: Asked): Promise<void> {
  if (session === null) tell({ kind: 'loading' })
  session ??= InferenceSession.create(network)
  const loaded = await session
  const whole = imageOf(await decode(picture))
  const [width, height] = [Math.min(whole.width, mostPixels), Math.min(whole.height, mostPixels)]
  const isCropped = width < whole.width || height < whole.height
  tell({ kind: 'running', size: { width, height }, isCropped })
  const part = crop(whole, 0, 0, width, height)
  const asTaken = (image: Image): Image => (input.channels === 1 ? toGrey(image) : image)
  const given = asTaken(part)
  const began = performance.now()
  const enlarged = quantizeTo8Bit(await run(loaded, given, input))
  const seconds = (performance.now() - began) / 1000
  const read = async (file: Blob | null): Promise<Image | null> =>
    file === null || isCropped ? null : asTaken(imageOf(await decode(file)))
  const wanted = await read(simulation)
  const scale = enlarged.width / width
  const agreement = wanted === null ? null : agreementOf(enlarged, wanted, await read(original), scale)
  tell({ kind: 'done', seconds, version: env.versions.web ?? '', enlarged: imageDataOf(enlarged), agreement })
}

/** A network's output for a picture, which is padded to a size that the network takes. */
async function run(
  session: InferenceSession,
  picture: Image,
  { multiple, least, padding }: NetworkInput
): Promise<Image> {
  const taken = (size: number): number => Math.ceil(Math.max(size, least) / multiple) * multiple
  const padded = padTo(picture, taken(picture.width), taken(picture.height), padding)
  const x = new Tensor('float32', toTensor(padded), [1, padded.channels, padded.height, padded.width])
  const { sr } = await session.run({ lr: x })
  if (!(sr?.data instanceof Float32Array)) throw new Error('The network gave no float32 output "sr".')
  const [, , rows = 0, columns = 0] = sr.dims
  const scale = columns / padded.width
  return crop(fromTensor(sr.data, columns, rows, padded.channels), 0, 0, picture.width * scale, picture.height * scale)
}

function agreementOf(here: Image, simulation: Image, original: Image | null, scale: number): Agreement {
  const equal = here.data.reduce((count, value, i) => count + (value === simulation.data[i] ? 1 : 0), 0)
  const against = (image: Image): number => (original === null ? NaN : psnr(image, original, scale))
  const ofBoth = original === null ? null : { here: against(here), simulation: against(simulation) }
  return { equal: equal / here.data.length, psnr: psnr(here, simulation, 0), ofBoth }
}

/** The samples of a picture file as they are, without what a screen's colours would make of them. */
async function decode(file: Blob): Promise<ImageData> {
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' })
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')
  if (context === null) throw new Error('There is no canvas to read pictures by.')
  context.drawImage(bitmap, 0, 0)
  return context.getImageData(0, 0, bitmap.width, bitmap.height)
}

function imageOf({ width, height, data }: ImageData): Image {
  const plane = width * height
  const samples = Float32Array.from({ length: 3 * plane }, (_, i) => data[4 * (i % plane) + Math.floor(i / plane)] ?? 0)
  return { width, height, channels: 3, data: samples }
}

function imageDataOf({ width, height, channels, data }: Image): ImageData {
  const plane = width * height
  const samples = new ImageData(width, height)
  for (let i = 0; i < plane; i++) {
    for (let channel = 0; channel < 3; channel++) {
      samples.data[4 * i + channel] = data[(channels === 3 ? channel * plane : 0) + i] ?? 0
    }
    samples.data[4 * i + 3] = 255
  }
  return samples
}
