/** The place of the point whose x is nearest; −1 where there is none. Points are in the order of x. */
export function nearest(points: readonly (readonly [number, ...unknown[]])[], at: number): number {
  let low = 0
  let high = points.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((points[middle]?.[0] ?? 0) < at) low = middle + 1
    else high = middle
  }
  const before = points[low - 1]
  const here = points[low]
  if (before === undefined || here === undefined) return points.length === 0 ? -1 : low
  return at - before[0] <= here[0] - at ? low - 1 : low
}
