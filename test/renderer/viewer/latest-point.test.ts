import { describe, expect, it } from 'vitest'
import { LatestPoint, type PointArgs, type ReadSamples } from '../../../src/renderer/viewer/latest-point'

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const at = (x: number): PointArgs => ({ sources: [{ kind: 'file', path: '/a' }], width: 9, height: 9, x, y: 0 })

describe('reading what is pointed at', () => {
  it('asks for one place at a time, and skips those that were left', async () => {
    const asked: { readonly x: number; readonly answer: () => void; readonly fail: () => void }[] = []
    const shown: (number | null)[] = []
    const latest = new LatestPoint(
      ({ x }) =>
        new Promise((resolve, reject) => {
          const fail = (): void => {
            reject(new Error('unreadable'))
          }
          asked.push({
            x,
            fail,
            answer: () => {
              resolve([[x, 0, 0]])
            }
          })
        }),
      (read: ReadSamples | null) => shown.push(read?.samples[0]?.[0] ?? null)
    )
    latest.ask(at(1))
    latest.ask(at(2))
    latest.ask(at(3))
    expect(asked.map(({ x }) => x)).toEqual([1])
    asked[0]?.answer()
    await settle()
    expect(asked.map(({ x }) => x)).toEqual([1, 3])
    latest.ask(null)
    asked[1]?.answer()
    await settle()
    // Of a place that was left nothing is shown.
    expect(shown).toEqual([1, null])
    latest.ask(at(4))
    asked[2]?.fail()
    await settle()
    latest.ask(at(5))
    asked[3]?.answer()
    await settle()
    expect(shown).toEqual([1, null, null, 5])
  })
})
