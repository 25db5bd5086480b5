import { describe, expect, it } from 'vitest'
import { adjust, nextChannel, nextForm, nextMap } from '../../../src/renderer/viewer/adjust'
import { wholePixels } from '../../../src/renderer/viewer/whole-pixels'
import { WheelSteps } from '../../../src/renderer/viewer/wheel-steps'
import { zoomText } from '../../../src/renderer/viewer/zoom-text'

type Adjusted = Parameters<typeof adjust>[0]

function viewer(mode: Adjusted['mode']): Adjusted {
  return {
    mode,
    split: { orientation: 'vertical', position: 0.5 },
    flicker: { isPlaying: false, interval: 500 },
    difference: { form: 'absolute', channel: 'rgb', gain: 4, map: 'viridis' },
    lens: { radius: 120, magnification: 1 }
  }
}

describe('adjusting', () => {
  it('changes what the mode has, and nothing else', () => {
    const split = viewer('split')
    adjust(split, 1)
    expect(split).toEqual({ ...viewer('split'), split: { orientation: 'vertical', position: 0.55 } })
    const difference = viewer('difference')
    adjust(difference, 1)
    adjust(difference, 1)
    adjust(difference, -1)
    expect(difference).toEqual({ ...viewer('difference'), difference: { ...difference.difference, gain: 8 } })
    const grid = viewer('grid')
    adjust(grid, 1)
    expect(grid).toEqual(viewer('grid'))
  })

  it('makes flicker faster by more, and stops at the ends', () => {
    const flicker = viewer('flicker')
    adjust(flicker, 1)
    expect(flicker.flicker.interval).toBe(300)
    for (let i = 0; i < 9; i++) adjust(flicker, 1)
    expect(flicker.flicker.interval).toBe(200)
    for (let i = 0; i < 9; i++) adjust(flicker, -1)
    expect(flicker.flicker.interval).toBe(2000)
    const lens = viewer('lens')
    adjust(lens, -1)
    expect(lens.lens.magnification).toBe(1)
    for (let i = 0; i < 30; i++) adjust(lens, 1)
    expect(lens.lens.magnification).toBe(8)
    const split = viewer('split')
    for (let i = 0; i < 30; i++) adjust(split, -1)
    expect(split.split.position).toBe(0)
  })

  it('goes through all choices and begins anew', () => {
    expect(nextForm(nextForm(nextForm('signed')))).toBe('signed')
    expect(nextChannel('rgb')).toBe('r')
    expect(nextChannel('y')).toBe('rgb')
    expect(nextMap('grey')).toBe('viridis')
  })
})

describe('the wheel', () => {
  it('makes a step of a notch, and of a way of fingers', () => {
    const wheel = new WheelSteps()
    const turn = (deltaY: number, ctrlKey = false, deltaMode = 0): number => wheel.take({ deltaY, deltaMode, ctrlKey })
    expect([turn(-120), turn(100), turn(-3, false, 1)]).toEqual([1, -1, 1])
    const fingers = Array.from({ length: 20 }, () => turn(-10))
    expect(fingers.filter((steps) => steps !== 0)).toEqual([1, 1, 1, 1])
    expect(Array.from({ length: 10 }, () => turn(2, true)).reduce((a, b) => a + b, 0)).toBe(-2)
  })
})

describe('a zoom', () => {
  it('is written as a factor, below 1 in percent', () => {
    expect([32, 1, 0.5, 1 / 16, 0.3333].map(zoomText)).toEqual(['32×', '1×', '50 %', '6.3 %', '33 %'])
  })
})

describe('whole device pixels of an element', () => {
  it('lie within it, whatever the scale', () => {
    // At 1.5, 255 CSS pixels from the left lie in the middle of a device pixel.
    const rectangle = { left: 255, top: 40, right: 1055, bottom: 641 }
    expect(wholePixels(rectangle, 1)).toEqual({ width: 800, height: 601, scale: 1, left: 0, top: 0 })
    const { width, height, left, top } = wholePixels(rectangle, 1.5)
    expect([width, height, top]).toEqual([1199, 901, 0])
    expect((rectangle.left + left) * 1.5).toBe(383)
    expect(wholePixels(rectangle, 2)).toEqual({ width: 1600, height: 1202, scale: 2, left: 0, top: 0 })
  })
})
