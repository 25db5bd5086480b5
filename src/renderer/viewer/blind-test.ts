import type { Rectangle } from '../../contract/pixels'
import type { Random } from '../../core/imaging/random'
import { binomialTest, clopperPearson } from './binomial'
import type { Scene } from './scene'

export type Vote = 'left' | 'right' | 'none'

/** One question: a place of a picture, and which of the two versions stands left. */
export interface BlindTrial {
  /** Id of the picture. */
  readonly picture: string
  /** Where the place lies, from 0 (left, top) to 1 (right, bottom). */
  readonly across: number
  readonly down: number
  /** Whether the second version stands left. */
  readonly isSwapped: boolean
}

/** Two versions that are compared without knowing which is which. */
export interface BlindTest {
  /** Ids of their panes. */
  readonly versions: readonly [string, string]
  readonly trials: readonly BlindTrial[]
  /** Of the first trials, in their order. */
  readonly votes: readonly Vote[]
}

/** Draws a test: pictures in turn, from a drawn order; places and sides by chance. */
export function drawTest(
  versions: readonly [string, string],
  pictures: readonly string[],
  count: number,
  random: Random
): BlindTest {
  const order = pictures.map((picture) => ({ picture, place: random.word() })).toSorted((a, b) => a.place - b.place)
  const trials = Array.from({ length: order.length === 0 ? 0 : count }, (_, i): BlindTrial => ({
    picture: order[i % order.length]?.picture ?? '',
    across: random.below(1001) / 1000,
    down: random.below(1001) / 1000,
    isSwapped: random.below(2) === 1
  }))
  return { versions, trials, votes: [] }
}

/** The trial that is to be voted on; null where all are. */
export function trialOf({ trials, votes }: BlindTest): BlindTrial | null {
  return trials[votes.length] ?? null
}

/** The versions on the left and the right of a trial. */
export function sidesOf(
  { versions: [first, second] }: BlindTest,
  { isSwapped }: BlindTrial
): readonly [string, string] {
  return isSwapped ? [second, first] : [first, second]
}

/** The place of a trial in a scene: a square of that side, or as much of it as there is. */
export function placeOf({ across, down }: BlindTrial, scene: Pick<Scene, 'width' | 'height'>, side: number): Rectangle {
  const [width, height] = [Math.min(side, scene.width), Math.min(side, scene.height)]
  return {
    left: Math.round(across * (scene.width - width)),
    top: Math.round(down * (scene.height - height)),
    width,
    height
  }
}

export function withVote(test: BlindTest, vote: Vote): BlindTest {
  return trialOf(test) === null ? test : { ...test, votes: [...test.votes, vote] }
}

export function withoutLastVote(test: BlindTest): BlindTest {
  return { ...test, votes: test.votes.slice(0, -1) }
}

/** Who was preferred, and whether chance alone would explain it. */
export interface BlindResult {
  /** Votes for the first and the second version, and for neither. */
  readonly first: number
  readonly second: number
  readonly none: number
  /** Exact, two-sided, of the votes for one of the two against a fair coin. */
  readonly p: number
  /** 95 % interval of Clopper and Pearson for the share of votes that the first would get, of those for one of the two. */
  readonly interval: { readonly lower: number; readonly upper: number }
}

export function resultOf(test: BlindTest): BlindResult {
  const voted = preferences(test)
  const countOf = (version: string | null): number => voted.filter((each) => each === version).length
  const [first, second] = [countOf(test.versions[0]), countOf(test.versions[1])]
  const decided = first + second
  return {
    first,
    second,
    none: countOf(null),
    p: binomialTest(first, decided),
    interval: clopperPearson(first, decided)
  }
}

/** The version that was preferred in each trial that was voted on; null for neither. */
function preferences(test: BlindTest): readonly (string | null)[] {
  return test.votes.map((vote, i) => {
    const trial = test.trials[i]
    if (vote === 'none' || trial === undefined) return null
    const [left, right] = sidesOf(test, trial)
    return vote === 'left' ? left : right
  })
}

/** Votes as RFC 4180 has tables: what was seen where, and what was preferred. */
export function votesAsCsv(test: BlindTest, titleOf: (version: string) => string): string {
  const cell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
  const preferred = preferences(test)
  const rows = test.votes.flatMap((vote, i) => {
    const trial = test.trials[i]
    if (trial === undefined) return []
    const [left, right] = sidesOf(test, trial)
    const winner = preferred[i] ?? null
    const where = [trial.picture, trial.across.toFixed(3), trial.down.toFixed(3)]
    return [[String(i + 1), ...where, titleOf(left), titleOf(right), vote, winner === null ? '' : titleOf(winner)]]
  })
  const head = ['trial', 'picture', 'across', 'down', 'left', 'right', 'vote', 'preferred']
  return [head, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('')
}
