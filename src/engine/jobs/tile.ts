import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { freemem } from 'node:os'
import { join } from 'node:path'
import { formatBits, variantFileName, variantKey, type Bits, type Method, type Variant } from '../../contract/bounds'
import { runFile } from '../../contract/names'
import type { Outputs } from '../../contract/outputs'
import { StudioError } from '../../core/errors'
import { estimateMemory } from '../../core/evaluation/memory'
import { crop, quantizeTo8Bit, type Image } from '../../core/imaging/image'
import { tileGrid, type TileGrid } from '../../core/imaging/tile-grid'
import { toGrey } from '../../core/imaging/ycbcr'
import { paddedSize, type Model } from '../../core/models/model'
import type { Runtime, Session } from '../../core/runtime'
import { pieceOf, readImageSize, readSamples, type Samples } from '../../formats/image-files'
import { digestOf, KeptTiles, pictureKey, type KeptOutput } from '../kept-tiles'
import { sha256OfFile } from '../model-file'
import { boundsFile } from '../run-folder'
import { tileOverlap, type SuperResolver } from '../super-resolver'
import { openSubject, type Subject } from './variants'

/** Pixels of the picture across a tile at least: larger ones come later, smaller ones compute more around them. */
const leastSide = 128

/** Networks that are kept loaded: a user goes round full precision and a few variants tile by tile. */
const mostSessions = 4

/** Runs whose models are kept. */
const mostSubjects = 2

/** Milliseconds without a tile after which nothing is kept in memory. */
const restAfter = 60_000

/** Part of the memory for networks that tiles may take while a job needs it. */
const shareBesideJobs = 1 / 8

/** A tile of a picture as one network of a run enlarges it. */
export interface TileConfig {
  /** The run folder. */
  readonly folder: string
  /** A low-resolution picture. */
  readonly picture: string
  /** A method of the run at certain bits, or full precision (null). */
  readonly variant: { readonly method: Method; readonly bits: Bits } | null
  readonly column: number
  readonly row: number
}

/** A run that was read, as it was then. */
interface OpenedOutputs {
  readonly subject: Subject
  /** Bytes the values of a network may take. */
  readonly memoryCap: number
  /** Bytes of them that the values of its largest tile take. */
  readonly tileBytes: number
  /** What the model's file was. */
  readonly model: string
  /** Full precision first; each with the folder its tiles are kept in. */
  readonly outputs: readonly { readonly variant: Variant | null; readonly folder: string; readonly network: string }[]
}

/** A network that is loaded. */
interface LoadedNetwork {
  readonly folder: string
  readonly session: Promise<Session>
  /** By the folder of the variant's tiles. */
  readonly resolvers: Map<string, SuperResolver>
}

/**
 * Makes outputs of networks tile by tile and keeps them in the run. The last picture and the last networks stay in memory until
 * no tile was asked for for a minute, fewer of them while a job is at work; tiles are made one after the other, and one that is
 * given up before its turn costs nothing.
 */
export class TileReader {
  readonly #runtime: () => Promise<Runtime>
  readonly #memoryCap: () => number | null
  readonly #isJobAtWork: () => boolean
  readonly #kept: KeptTiles
  /** By run folder, the last one used last. */
  readonly #opened = new Map<string, { readonly key: string; readonly run: Promise<OpenedOutputs> }>()
  /** The last one used last. */
  readonly #networks = new Map<string, LoadedNetwork>()
  #picture: { readonly key: string; readonly samples: Promise<Samples> } | null = null
  /** A network that is in use is not given back: whatever needs or ends one waits for what came before. */
  #last: Promise<unknown> = Promise.resolve()
  #isDisposed = false
  /** Calls that are being answered. */
  #calls = 0
  #rest: NodeJS.Timeout | null = null

  /**
   * @param memoryCap bytes the values of a network may take as the user chose last; null is half of what is free
   * @param isJobAtWork whether a job needs most of that
   */
  constructor(
    runtime: () => Promise<Runtime>,
    memoryCap: () => number | null = () => null,
    isJobAtWork: () => boolean = () => false,
    kept: KeptTiles = new KeptTiles()
  ) {
    this.#runtime = runtime
    this.#memoryCap = memoryCap
    this.#isJobAtWork = isJobAtWork
    this.#kept = kept
  }

  /**
   * How outputs for a picture are cut into tiles, and which are there.
   *
   * @throws StudioError where the picture or the run cannot be read, the model has changed since, or the network takes no
   *   pictures of this size
   */
  outputs(folder: string, picture: string): Promise<Outputs> {
    return this.#awake(() => this.#outputs(folder, picture))
  }

  async #outputs(folder: string, picture: string): Promise<Outputs> {
    const { width, height } = await readImageSize(picture)
    const key = await pictureKey(picture)
    const { subject, outputs } = await this.#open(folder)
    const { scale } = subject.model
    const { side, columns, rows } = gridOf(subject.model, width, height)
    await this.#kept.look(folder, key, new Set(outputs.map((output) => output.folder)))
    const described = outputs.map(async ({ variant, folder: name }): Promise<Outputs['outputs'][number]> => {
      const output: KeptOutput = { run: folder, picture: key, variant: name }
      const at = this.#kept.folderOf(output)
      return {
        variant: variant === null ? null : { method: variant.method, bits: variant.bits },
        source: { kind: 'tiles', folder: at, width: scale * width, height: scale * height, side: scale * side },
        done: await this.#kept.places(output)
      }
    })
    return { width, height, scale, columns, rows, outputs: await Promise.all(described) }
  }

  /**
   * Enlarges a tile with the 24 pixels around it (`tileOverlap`), which are then cut off, and keeps it rounded to 8 bits, grey
   * where the picture is. Networks see farther than that, and so single values may differ by one or two from what is made of the
   * whole picture. A tile that is there is not made again.
   *
   * @throws StudioError ('usage') where the picture has no such tile, ('missing') where the run has no such variant
   */
  tile(config: TileConfig, signal?: AbortSignal): Promise<void> {
    return this.#awake(() => this.#tile(config, signal))
  }

  async #tile(config: TileConfig, signal: AbortSignal | undefined): Promise<void> {
    const { column, row } = config
    if (await this.#kept.has((await this.#placeOf(config)).kept, column, row)) return
    await this.#inTurn(async () => {
      // Those who look around give up tiles before their turn comes.
      signal?.throwIfAborted()
      if (this.#isDisposed) throw new StudioError('failed', 'The program ends.')
      // Another call may have made it meanwhile, and bounds may have changed.
      const place = await this.#placeOf(config)
      if (!(await this.#kept.has(place.kept, column, row))) await this.#make(config, place)
    })
  }

  /** Gives back what is kept of a run in memory, once the tile that is being made is done. */
  forget(folder: string): Promise<void> {
    return this.#inTurn(async () => {
      this.#opened.delete(folder)
      for (const [key, network] of this.#networks) if (network.folder === folder) await this.#release(key)
    })
  }

  async dispose(): Promise<void> {
    this.#isDisposed = true
    await this.#letGo()
  }

  /** Gives back all that is kept in memory, once the tile that is being made is done. */
  #letGo(): Promise<void> {
    return this.#inTurn(async () => {
      for (const key of [...this.#networks.keys()]) await this.#release(key)
      this.#picture = null
      this.#opened.clear()
    })
  }

  /** Answers a call, and lets go of everything a while after the last one. */
  async #awake<T>(answer: () => Promise<T>): Promise<T> {
    if (this.#rest !== null) clearTimeout(this.#rest)
    this.#rest = null
    this.#calls++
    try {
      return await answer()
    } finally {
      if (--this.#calls === 0) {
        // What cannot be given back is of no more use either.
        this.#rest = setTimeout(() => void this.#letGo().catch(() => undefined), restAfter)
        this.#rest.unref()
      }
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => undefined)
    return done
  }

  async #placeOf({ folder, picture, variant }: TileConfig): Promise<Place> {
    const key = await pictureKey(picture)
    const opened = await this.#open(folder)
    const wanted = variant === null ? null : variantKey(variant)
    const output = opened.outputs.find((each) => (each.variant === null ? null : variantKey(each.variant)) === wanted)
    if (output === undefined) {
      const name = variant === null ? 'full precision' : `${variant.method} at ${formatBits(variant.bits)} bits`
      throw new StudioError('missing', `"${folder}" holds no ${name}.`)
    }
    const kept: KeptOutput = { run: folder, picture: key, variant: output.folder }
    return { opened, output, kept }
  }

  async #make({ folder, picture, column, row }: TileConfig, { opened, output, kept }: Place): Promise<void> {
    const [samples, resolver] = await Promise.all([
      this.#read(picture, kept.picture),
      this.#load(folder, opened, output)
    ])
    const { width, height } = samples
    const grid = gridOf(opened.subject.model, width, height)
    if (column >= grid.columns || row >= grid.rows) {
      const tiles = `${grid.columns}×${grid.rows} tiles, and ${column}, ${row} is none of them`
      throw new StudioError('usage', `"${picture}" is made of ${tiles}.`)
    }
    const tile = grid.tile(column, row)
    const around = grid.around(tile)
    const { image, isGrey } = pieceOf(samples, around)
    const enlarged = await resolver.enlarge(image)
    const { scale } = resolver
    const [left, top] = [(tile.left - around.left) * scale, (tile.top - around.top) * scale]
    const cut: Image = crop(enlarged, left, top, tile.width * scale, tile.height * scale)
    await this.#kept.keep(kept, column, row, quantizeTo8Bit(isGrey ? toGrey(cut) : cut))
  }

  /** Reads a picture as the user sees it, in sRGB. */
  async #read(path: string, key: string): Promise<Samples> {
    if (this.#picture?.key !== key) this.#picture = { key, samples: readSamples(path, 'apply') }
    try {
      return await this.#picture.samples
    } catch (error) {
      this.#picture = null
      throw error
    }
  }

  /** Opens a run, or has it still as it is: anew where its bounds, its model or the memory that may be taken changed. */
  async #open(folder: string): Promise<OpenedOutputs> {
    const cap = this.#memoryCap()
    const files = [join(folder, runFile), join(folder, boundsFile)]
    const key = JSON.stringify([cap, ...(await Promise.all(files.map(changeOf)))])
    const known = this.#opened.get(folder)
    if (known?.key === key) {
      const run = await known.run
      if (run.model === (await changeOf(run.subject.file))) return run
    }
    const run = openOutputs(folder, cap ?? freemem() / 2)
    const entry = { key, run }
    this.#opened.delete(folder)
    this.#opened.set(folder, entry)
    for (const oldest of [...this.#opened.keys()].slice(0, -mostSubjects)) this.#opened.delete(oldest)
    try {
      const opened = await run
      // A network that is loaded still serves; what was made of it goes by the bounds and the memory of before.
      for (const network of this.#networks.values()) if (network.folder === folder) network.resolvers.clear()
      return opened
    } catch (error) {
      if (this.#opened.get(folder) === entry) this.#opened.delete(folder)
      throw error
    }
  }

  /** A network with the bounds of a variant; loaded where it is not, in place of the one not used for longest. */
  async #load(folder: string, opened: OpenedOutputs, output: OpenedOutputs['outputs'][number]): Promise<SuperResolver> {
    const { subject, memoryCap, tileBytes } = opened
    const key = `${folder} ${output.network}`
    let network = this.#networks.get(key)
    this.#networks.delete(key)
    const most = sessionsWithin(this.#isJobAtWork() ? shareBesideJobs * memoryCap : memoryCap, tileBytes)
    for (const oldest of [...this.#networks.keys()].slice(0, Math.max(0, this.#networks.size - most + 1))) {
      await this.#release(oldest)
    }
    if (network === undefined) {
      const session = this.#runtime().then((runtime) => subject.loadNetwork(output.variant, runtime))
      network = { folder, session, resolvers: new Map() }
    }
    this.#networks.set(key, network)
    try {
      const session = await network.session
      const resolver = network.resolvers.get(output.folder) ?? subject.resolverOn(session, output.variant)
      network.resolvers.set(output.folder, resolver)
      return resolver
    } catch (error) {
      this.#networks.delete(key)
      throw error
    }
  }

  async #release(key: string): Promise<void> {
    const network = this.#networks.get(key)
    this.#networks.delete(key)
    if (network !== undefined) await (await network.session).dispose()
  }
}

/** Where a tile is kept, and what makes it. */
interface Place {
  readonly opened: OpenedOutputs
  readonly output: OpenedOutputs['outputs'][number]
  readonly kept: KeptOutput
}

function gridOf(model: Model, width: number, height: number): TileGrid {
  const { multiple, fixedSize } = model
  return tileGrid(width, height, { side: leastSide, overlap: tileOverlap, multiple, fixedSize })
}

/** Networks that may be loaded at a time, one at least: each keeps what its largest tile took. */
function sessionsWithin(memoryCap: number, tileBytes: number): number {
  return Math.min(mostSessions, Math.max(1, Math.floor(memoryCap / tileBytes)))
}

/** Reads a run and says where the tiles of its outputs are kept: elsewhere once bounds, weights or the model are others. */
async function openOutputs(folder: string, memoryCap: number): Promise<OpenedOutputs> {
  if (!existsSync(join(folder, runFile))) throw new StudioError('missing', `There is no run "${folder}" any more.`)
  const subject = await openSubject(folder, {}, {}, { cap: memoryCap, warn: () => undefined })
  const { sha256, file, model } = subject
  const outputs: OpenedOutputs['outputs'][number][] = []
  for (const variant of [null, ...subject.variants]) {
    const weights = variant?.weights === undefined ? '' : await sha256OfFile(join(folder, variant.weights))
    const bounds = variant?.quantizers.map(({ name, bits, lower, upper, channels }) => {
      return [name, bits, lower, upper, ...(channels ?? []).map((each) => [each.lower, each.upper])]
    })
    const [method, bits] = variant === null ? ['fp', null] : [variant.method, variant.bits]
    const names = variant?.quantizers.map(({ name }) => name)
    const network = digestOf([sha256, model.config, subject.networkOf(variant), weights, names])
    outputs.push({
      variant,
      folder: `${variantFileName(method, bits)}-${digestOf([sha256, leastSide, weights, bounds])}`,
      network
    })
  }
  const side = paddedSize(model, leastSide + 2 * tileOverlap)
  const tileBytes = estimateMemory(model.graph).peakBytes(side, side)
  return { subject, memoryCap, tileBytes, model: await changeOf(file), outputs }
}

/** What tells whether a file was changed; nothing where there is none, which whoever reads it will say. */
async function changeOf(path: string): Promise<string> {
  const found = await stat(path).catch(() => null)
  return found === null ? '' : `${found.mtimeMs} ${found.size} ${found.ino}`
}
