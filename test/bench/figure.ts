/** One measured figure. */
export interface Figure {
  readonly name: string
  readonly value: number
  /** What an issue's table demands; figures without are for information. */
  readonly atMost?: number
  readonly atLeast?: number
}

/** Whether a figure is as it must be. */
export function isMet({ value, atMost = Infinity, atLeast = -Infinity }: Figure): boolean {
  return value <= atMost && value >= atLeast
}

/** Seconds `work` takes. */
export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}

/** The middle of some numbers. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN
}

/**
 * Seconds of several works, measured in turn so that a machine's changing speed hits all alike; medians, after one round
 * that does not count.
 */
export async function compare<K extends string>(
  works: Readonly<Record<K, () => Promise<unknown>>>,
  rounds: number
): Promise<Readonly<Record<K, number>>> {
  const entries = Object.entries<() => Promise<unknown>>(works)
  const times = new Map(entries.map(([name]) => [name, [] as number[]]))
  for (let round = 0; round <= rounds; round++) {
    for (const [name, work] of entries) {
      const seconds = await secondsOf(work)
      if (round > 0) times.get(name)?.push(seconds)
    }
  }
  return Object.fromEntries([...times].map(([name, seconds]) => [name, median(seconds)])) as Record<K, number>
}
