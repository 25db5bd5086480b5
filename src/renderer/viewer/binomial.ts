/** Logarithm of n over k. */
function logChoose(n: number, k: number): number {
  let sum = 0
  for (let i = 1; i <= k; i++) sum += Math.log((n - k + i) / i)
  return sum
}

/** Probability of k or more hits in n trials of probability p each. */
export function upperTail(k: number, n: number, p: number): number {
  if (k <= 0) return 1
  if (p <= 0) return 0
  if (p >= 1) return 1
  let sum = 0
  for (let i = k; i <= n; i++) sum += Math.exp(logChoose(n, i) + i * Math.log(p) + (n - i) * Math.log1p(-p))
  return Math.min(1, sum)
}

/**
 * Exact two-sided binomial test of k hits in n trials against a fair coin: how probable an outcome as far from half, or
 * farther, is by chance. 1 without trials.
 */
export function binomialTest(k: number, n: number): number {
  return Math.min(1, 2 * upperTail(Math.max(k, n - k), n, 0.5))
}

/**
 * Interval of Clopper and Pearson (1934) for the share that k hits of n speak for: it holds the true one with at least this
 * confidence. From 0 to 1 without trials.
 */
export function clopperPearson(
  k: number,
  n: number,
  confidence = 0.95
): { readonly lower: number; readonly upper: number } {
  const half = (1 - confidence) / 2
  // The lower end is where k or more hits, the upper end where k or fewer, become this improbable.
  const lower = k === 0 ? 0 : rootOf((p) => upperTail(k, n, p) - half)
  const upper = k === n ? 1 : rootOf((p) => upperTail(k + 1, n, p) - (1 - half))
  return { lower, upper }
}

/** Where a function that grows from 0 to 1 crosses zero, by halving. */
function rootOf(f: (p: number) => number): number {
  let [low, high] = [0, 1]
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (f(middle) < 0) low = middle
    else high = middle
  }
  return (low + high) / 2
}
