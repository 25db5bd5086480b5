import { expect, test } from 'vitest'
import type { Place } from '../../../src/renderer/charts/decimate'
import { traceAcross } from '../../../src/renderer/charts/trace'

/** The pieces of a path, each as its points. */
function piecesOf(line: readonly Place[], dash: readonly number[]): readonly (readonly (readonly number[])[])[] {
  const pieces: (readonly number[])[][] = []
  traceAcross(
    {
      moveTo: (x, y) => void pieces.push([[x, y]]),
      lineTo: (x, y) => void pieces.at(-1)?.push([x, y])
    },
    line,
    dash
  )
  return pieces
}

test('a line without dashes is traced from point to point', () => {
  const line = [
    { x: 0, y: 0 },
    { x: 1, y: 5 },
    { x: 1, y: 2 }
  ]
  expect(piecesOf(line, [])).toEqual([
    [
      [0, 0],
      [1, 5],
      [1, 2]
    ]
  ])
})

test('dashes and gaps have their lengths across, however steep the line is', () => {
  const line = [
    { x: 10, y: 0 },
    { x: 14, y: 400 },
    { x: 22, y: -400 }
  ]
  expect(piecesOf(line, [6, 3])).toEqual([
    [
      [10, 0],
      [14, 400],
      [16, 200]
    ],
    [
      [19, -100],
      [22, -400]
    ]
  ])
})

test('several dashes may lie between two points, and many points in one gap', () => {
  const line = [0, 9, 9.5, 10, 10.5, 11].map((x) => ({ x, y: x }))
  expect(piecesOf(line, [1, 4])).toEqual([
    [
      [0, 0],
      [1, 1]
    ],
    [
      [5, 5],
      [6, 6]
    ],
    [
      [10, 10],
      [10.5, 10.5],
      [11, 11]
    ]
  ])
})

test('a line of no points is none', () => {
  expect(piecesOf([], [1, 4])).toEqual([])
})
