import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Random } from '../../../src/core/imaging/random'
import {
  drawTest,
  placeOf,
  resultOf,
  sidesOf,
  trialOf,
  votesAsCsv,
  withoutLastVote,
  withVote,
  type BlindTest
} from '../../../src/renderer/viewer/blind-test'

const draw = (seed: number, count = 20): BlindTest =>
  drawTest(['fp 32', '2dquant 4'], ['a', 'b', 'c'], count, Random.seeded(seed))

/** Votes of somebody who always sees which one is this. */
function votedFor(test: BlindTest, version: string): BlindTest {
  const trial = trialOf(test)
  if (trial === null) return test
  return votedFor(withVote(test, sidesOf(test, trial)[0] === version ? 'left' : 'right'), version)
}

describe('a blind test', () => {
  it('asks of every picture as often as of the others, with both orders', () => {
    const { trials } = draw(1, 30)
    for (const picture of ['a', 'b', 'c']) expect(trials.filter((trial) => trial.picture === picture)).toHaveLength(10)
    const swapped = trials.filter(({ isSwapped }) => isSwapped).length
    expect(swapped).toBeGreaterThan(5)
    expect(swapped).toBeLessThan(25)
    expect(draw(1)).toEqual(draw(1))
    expect(draw(1)).not.toEqual(draw(2))
  })

  it('counts for the version that stood there', () => {
    const test = votedFor(draw(3), '2dquant 4')
    expect(resultOf(test)).toMatchObject({ first: 0, second: 20, none: 0 })
    expect(resultOf(test).p).toBeCloseTo(2 * 0.5 ** 20, 12)
    expect(resultOf(test).interval.lower).toBe(0)
    expect(withVote(test, 'left')).toBe(test)
  })

  it('leaves those who see no difference out of the share', () => {
    const { first, second, none, p } = resultOf(withVote(withVote(draw(4), 'none'), 'none'))
    expect({ first, second, none, p }).toEqual({ first: 0, second: 0, none: 2, p: 1 })
  })

  it('takes back votes, the last first', () => {
    const test = withVote(withVote(draw(5), 'left'), 'none')
    expect(withoutLastVote(test)).toEqual(withVote(draw(5), 'left'))
    expect(withoutLastVote(draw(5))).toEqual(draw(5))
  })

  it('asks of places within the picture', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 3000 }),
        fc.integer({ min: 1, max: 3000 }),
        (seed, width, height) => {
          for (const trial of draw(seed, 3).trials) {
            const place = placeOf(trial, { width, height }, 256)
            expect(place.left).toBeGreaterThanOrEqual(0)
            expect(place.top).toBeGreaterThanOrEqual(0)
            expect(place.left + place.width).toBeLessThanOrEqual(width)
            expect(place.top + place.height).toBeLessThanOrEqual(height)
          }
        }
      )
    )
  })

  it('tells its votes as a table', () => {
    const test: BlindTest = {
      versions: ['x', 'y'],
      trials: [
        { picture: 'a, b', across: 0.25, down: 1, isSwapped: true },
        { picture: 'c', across: 0, down: 0.5, isSwapped: false }
      ],
      votes: ['left', 'none']
    }
    expect(votesAsCsv(test, (version) => version.toUpperCase())).toBe(
      'trial,picture,across,down,left,right,vote,preferred\r\n1,"a, b",0.250,1.000,Y,X,left,Y\r\n2,c,0.000,0.500,X,Y,none,\r\n'
    )
  })
})
