import type { Page } from '@playwright/test'

/** Milliseconds between the frames that a page draws in so many seconds. */
export function framesOf(page: Page, seconds: number): Promise<readonly number[]> {
  return page.evaluate(
    (seconds) =>
      new Promise<number[]>((resolve) => {
        const times: number[] = []
        const until = performance.now() + seconds * 1000
        let last = performance.now()
        const step = (): void => {
          const now = performance.now()
          times.push(now - last)
          last = now
          if (now < until) requestAnimationFrame(step)
          else resolve(times)
        }
        requestAnimationFrame(step)
      }),
    seconds
  )
}

/** How many percent of the frames took no longer than so many milliseconds. */
export function percentWithin(frames: readonly number[], milliseconds: number): number {
  return (100 * frames.filter((time) => time <= milliseconds).length) / frames.length
}
