import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WorstRegions, type WorstRegion } from '../../../src/core/evaluation/worst-regions'

interface Errors {
  readonly width: number
  readonly height: number
  readonly error: Float64Array
  readonly errorOfFp: Float64Array
}

function find({ width, height, error, errorOfFp }: Errors, side: number, count: number): readonly WorstRegion[] {
  const regions = new WorstRegions(width, height, side)
  for (let i = 0; i < error.length; i += width) {
    regions.add(error.subarray(i, i + width), errorOfFp.subarray(i, i + width))
  }
  return regions.find(count)
}

/** Every square summed pixel by pixel; the worst that touches none of those before it, again and again. */
function bruteForce({ width, height, error, errorOfFp }: Errors, side: number, count: number): readonly WorstRegion[] {
  const [across, down] = [Math.min(side, width), Math.min(side, height)]
  const mean = (values: Float64Array, left: number, top: number): number => {
    let sum = 0
    for (let y = top; y < top + down; y++) for (let x = left; x < left + across; x++) sum += values[y * width + x] ?? 0
    return sum / (across * down)
  }
  const all: WorstRegion[] = []
  for (let top = 0; top + down <= height; top++) {
    for (let left = 0; left + across <= width; left++) {
      const errors = { error: mean(error, left, top), errorOfFp: mean(errorOfFp, left, top) }
      all.push({ left, top, width: across, height: down, ...errors })
    }
  }
  const excess = (region: WorstRegion): number => region.error - region.errorOfFp
  const found: WorstRegion[] = []
  for (const region of all.toSorted((a, b) => excess(b) - excess(a))) {
    const touches = found.some(
      (other) => Math.abs(other.left - region.left) < across && Math.abs(other.top - region.top) < down
    )
    if (found.length < count && excess(region) > 0 && !touches) found.push(region)
  }
  return found
}

describe('WorstRegions', () => {
  it('finds what looking at every square finds', () => {
    // Whole numbers: sums are exact, in whatever order they are made.
    const errors = fc
      .tuple(fc.integer({ min: 1, max: 14 }), fc.integer({ min: 1, max: 14 }))
      .chain(([width, height]) => {
        const length = width * height
        const values = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: length, maxLength: length })
        return fc.tuple(values, values).map(([error, errorOfFp]): Errors => {
          return { width, height, error: Float64Array.from(error), errorOfFp: Float64Array.from(errorOfFp) }
        })
      })
    fc.assert(
      fc.property(errors, fc.integer({ min: 2, max: 8 }), fc.integer({ min: 1, max: 4 }), (given, side, count) => {
        expect(find(given, side, count)).toEqual(bruteForce(given, side, count))
      })
    )
  })

  it('finds defects that were planted in a large picture, the worse one first, though it looks not at every place', () => {
    const [width, height] = [1500, 1100]
    const error = new Float64Array(width * height).fill(1)
    const errorOfFp = new Float64Array(width * height).fill(1)
    const plant = (left: number, top: number, value: number): void => {
      for (let y = top; y < top + 32; y++) error.fill(value, y * width + left, y * width + left + 32)
    }
    plant(901, 333, 50)
    plant(1468, 1068, 90)
    // Where full precision is as bad, nothing was lost.
    error.fill(1000, 0, width * 20)
    errorOfFp.fill(1000, 0, width * 20)
    const found = find({ width, height, error, errorOfFp }, 32, 2)
    expect(found).toHaveLength(2)
    expect(found[0]).toEqual({ left: 1468, top: 1068, width: 32, height: 32, error: 90, errorOfFp: 1 })
    expect(Math.abs((found[1]?.left ?? 0) - 901)).toBeLessThanOrEqual(1)
    expect(Math.abs((found[1]?.top ?? 0) - 333)).toBeLessThanOrEqual(1)
  })

  it('finds nothing where nothing was lost', () => {
    const errors = Float64Array.from({ length: 400 }, (_, i) => Math.sin(i) ** 2)
    expect(find({ width: 20, height: 20, error: errors, errorOfFp: errors }, 8, 3)).toEqual([])
  })
})
