/** CSS pixels of scrolling that make a step. A notch of a wheel has more. */
const pixelsOfStep = 50
/** A pinch is told as scrolling by little. */
const pinchFactor = 5
/** Lines of a wheel that scrolls by lines. */
const pixelsOfLine = 40

/** What of an event tells how far was scrolled. */
interface Scrolling {
  readonly deltaY: number
  /** 0 where it is told in CSS pixels. */
  readonly deltaMode: number
  readonly ctrlKey: boolean
}

/** Makes steps of what wheels and trackpads scroll: one of each notch, and one of each short way of fingers. */
export class WheelSteps {
  #rest = 0

  /** Steps to zoom in by; negative ones zoom out. */
  take({ deltaY, deltaMode, ctrlKey }: Scrolling): number {
    const pixels = deltaMode === 0 ? deltaY : deltaY * pixelsOfLine
    if (Math.abs(pixels) >= pixelsOfStep) {
      this.#rest = 0
      return -Math.sign(pixels)
    }
    if (Math.sign(pixels) !== Math.sign(this.#rest)) this.#rest = 0
    this.#rest += pixels * (ctrlKey ? pinchFactor : 1)
    const steps = Math.trunc(this.#rest / pixelsOfStep)
    this.#rest -= steps * pixelsOfStep
    return -steps
  }
}
