import type { Rectangle } from '../../contract/pixels'
import { messageOf } from '../format'
import type { Pane, Scene } from './scene'
import type { OutputProgress } from './scenes'

/** A tile of what a network makes of a picture. */
export interface OutputTile {
  /** The pane's id. */
  readonly pane: string
  readonly column: number
  readonly row: number
}

/** What is looked at. */
export interface Wish {
  readonly scene: Pick<Scene, 'width'>
  /** What is shown, in the order in which it is to be made. */
  readonly panes: readonly Pick<Pane, 'id' | 'width' | 'output'>[]
  /** In pixels of the scene. */
  readonly visible: Rectangle
  /** The pane that alone is seen, as while pictures flicker: it comes before a network that happens to be loaded. */
  readonly alone: string | null
  /** A pane that is wanted as a whole, once all that is seen is there. */
  readonly whole: string | null
}

/** Which tile is made next: of those that are seen, then of the pane that is wanted as a whole; null where none is missing. */
export function nextTile(
  wish: Wish,
  progress: ReadonlyMap<string, OutputProgress>,
  loaded: string | null
): OutputTile | null {
  // While all panes are seen it does not matter whose turn it is, but loading a network takes time.
  const order = [wish.alone, loaded]
  const rank = ({ id }: Wish['panes'][number]): number => (order.includes(id) ? order.indexOf(id) : order.length)
  const seen = wish.panes.toSorted((a, b) => rank(a) - rank(b)).map((pane) => [pane, wish] as const)
  const whole = wish.panes.filter(({ id }) => id === wish.whole).map((pane) => [pane, allOf(wish, pane)] as const)
  for (const [pane, part] of [...seen, ...whole]) {
    const { done, failure } = progress.get(pane.id) ?? { done: new Set<string>(), failure: null }
    if (failure !== null) continue
    const missing = tilesSeen(part, pane).find(({ column, row }) => !done.has(`${column}-${row}`))
    if (missing !== undefined) return missing
  }
  return null
}

/** As if all of a pane were seen. */
function allOf(wish: Wish, { width, output }: Wish['panes'][number]): Wish {
  if (output === null) return wish
  const height = (output.rows * output.side * wish.scene.width) / width
  return { ...wish, visible: { left: 0, top: 0, width: wish.scene.width, height } }
}

/** Tiles of a pane that are seen, from the middle outwards. */
function tilesSeen({ scene, visible }: Wish, { id, width, output }: Wish['panes'][number]): readonly OutputTile[] {
  if (output === null) return []
  const side = (output.side * scene.width) / width
  const [left, top] = [visible.left / side, visible.top / side]
  const [right, bottom] = [left + visible.width / side, top + visible.height / side]
  const tiles: (OutputTile & { readonly distance: number })[] = []
  for (let row = Math.floor(top); row < Math.min(bottom, output.rows); row++) {
    for (let column = Math.floor(left); column < Math.min(right, output.columns); column++) {
      const distance = Math.hypot(column + 0.5 - (left + right) / 2, row + 0.5 - (top + bottom) / 2)
      tiles.push({ pane: id, column, row, distance })
    }
  }
  return tiles
    .toSorted((a, b) => a.distance - b.distance || a.row - b.row || a.column - b.column)
    .map(({ pane, column, row }) => ({ pane, column, row }))
}

/** Whether all that is seen of these panes is there. */
export function isAllThere(wish: Wish): boolean {
  return wish.panes.every((pane) =>
    tilesSeen(wish, pane).every(({ column, row }) => pane.output?.done.has(`${column}-${row}`))
  )
}

/**
 * Has the outputs of one picture made: a tile at a time, only what is seen. A tile that is no longer seen is given up; a
 * network that fails is left until it is asked for again.
 */
export class OutputQueue {
  readonly #make: (tile: OutputTile, signal: AbortSignal) => Promise<unknown>
  readonly #onProgress: () => void
  readonly #progress: Map<string, OutputProgress>
  #wish: Wish | null = null
  #current: { readonly tile: OutputTile; readonly controller: AbortController } | null = null
  #loaded: string | null = null

  /** @param onProgress is told whenever a tile is there, or an output has failed */
  constructor(
    panes: readonly Pane[],
    make: (tile: OutputTile, signal: AbortSignal) => Promise<unknown>,
    onProgress: () => void
  ) {
    this.#progress = new Map(panes.flatMap(({ id, output }) => (output === null ? [] : [[id, output]])))
    this.#make = make
    this.#onProgress = onProgress
  }

  /** How far each output is, by the ids of panes. */
  get progress(): ReadonlyMap<string, OutputProgress> {
    return new Map([...this.#progress].map(([id, { done, failure }]) => [id, { done, failure }]))
  }

  /** What is looked at now; null where nothing is. */
  want(wish: Wish | null): void {
    this.#wish = wish
    const current = this.#current
    if (current !== null && !this.#isSeen(current.tile)) current.controller.abort()
    void this.#work()
  }

  /** Tries an output again that has failed. */
  retry(pane: string): void {
    const known = this.#progress.get(pane)
    if (known === undefined) return
    this.#progress.set(pane, { ...known, failure: null })
    this.#onProgress()
    void this.#work()
  }

  #isSeen({ pane, column, row }: OutputTile): boolean {
    const wish = this.#wish
    const shown = wish?.panes.find(({ id }) => id === pane)
    if (wish === null || shown === undefined) return false
    const part = wish.whole === pane ? allOf(wish, shown) : wish
    return tilesSeen(part, shown).some((tile) => tile.column === column && tile.row === row)
  }

  async #work(): Promise<void> {
    if (this.#current !== null) return
    const tile = this.#wish === null ? null : nextTile(this.#wish, this.#progress, this.#loaded)
    if (tile === null) return
    const controller = new AbortController()
    const { signal } = controller
    this.#current = { tile, controller }
    this.#loaded = tile.pane
    const known = this.#progress.get(tile.pane) ?? { done: new Set<string>(), failure: null }
    try {
      await this.#make(tile, signal)
      // It is there even where it was given up meanwhile.
      this.#progress.set(tile.pane, { ...known, done: new Set([...known.done, `${tile.column}-${tile.row}`]) })
    } catch (error) {
      if (!signal.aborted) this.#progress.set(tile.pane, { ...known, failure: messageOf(error) })
    }
    this.#current = null
    this.#onProgress()
    void this.#work()
  }
}
