/** Samples of 0 to 255, row by row, the channels of a pixel one after the other. */
export interface Samples {
  readonly width: number
  readonly height: number
  readonly channels: number
  readonly data: Uint8Array
}

/** Samples that can be handed on to other threads and processes. */
export interface OwnSamples extends Samples {
  readonly data: Uint8Array<ArrayBuffer>
}

/** Width or height of a level: level 0 has the picture's own, each further level half of it, rounded up. */
export function levelSize(size: number, level: number): number {
  return Math.ceil(size / 2 ** level)
}

/**
 * The next level of a pyramid: the means of 2 × 2 pixels, halves rounded up. At the right and the bottom of odd sizes, the
 * means are of the pixels that there are.
 */
export function halve(source: Samples): OwnSamples {
  const halved = emptyHalf(source)
  halveRows(source, halved, 0, halved.height)
  return halved
}

/** What `halve` makes of a picture, before its rows are made. */
export function emptyHalf({ width, height, channels }: Samples): OwnSamples {
  const size = { width: levelSize(width, 1), height: levelSize(height, 1) }
  return { ...size, channels, data: new Uint8Array(size.width * size.height * channels) }
}

/** Makes some rows of the next level, for callers that cannot wait for all of them. */
export function halveRows(source: Samples, target: Samples, from: number, to: number): void {
  const { channels, data } = source
  const out = target.data
  const stride = source.width * channels
  // A pixel that has no neighbour is its own: the mean of both is the pixel.
  const pairs = Math.floor(source.width / 2)
  for (let y = from; y < to; y++) {
    const above = 2 * y * stride
    const below = 2 * y + 1 < source.height ? above + stride : above
    const at = y * target.width * channels
    if (channels === 3) meanOfColours(data, above, below, out, at, pairs)
    else meanOfPairs(data, above, below, out, at, pairs, channels)
    if (pairs === target.width) continue
    for (let channel = 0; channel < channels; channel++) {
      const last = 2 * pairs * channels + channel
      out[at + pairs * channels + channel] = ((data[above + last] ?? 0) + (data[below + last] ?? 0) + 1) >> 1
    }
  }
}

/** A row of means of pixels that lie two by two in two rows. */
function meanOfPairs(
  data: Uint8Array,
  above: number,
  below: number,
  out: Uint8Array,
  at: number,
  pairs: number,
  channels: number
): void {
  let [i, j, to] = [above, below, at]
  for (let x = 0; x < pairs; x++, i += channels, j += channels) {
    for (let channel = 0; channel < channels; channel++, i++, j++) {
      out[to++] = ((data[i] ?? 0) + (data[i + channels] ?? 0) + (data[j] ?? 0) + (data[j + channels] ?? 0) + 2) >> 2
    }
  }
}

/** The same for three channels, as most pictures have them: written out, it takes half as long. */
function meanOfColours(
  data: Uint8Array,
  above: number,
  below: number,
  out: Uint8Array,
  at: number,
  pairs: number
): void {
  let [i, j, to] = [above, below, at]
  for (let x = 0; x < pairs; x++, i += 6, j += 6, to += 3) {
    out[to] = ((data[i] ?? 0) + (data[i + 3] ?? 0) + (data[j] ?? 0) + (data[j + 3] ?? 0) + 2) >> 2
    out[to + 1] = ((data[i + 1] ?? 0) + (data[i + 4] ?? 0) + (data[j + 1] ?? 0) + (data[j + 4] ?? 0) + 2) >> 2
    out[to + 2] = ((data[i + 2] ?? 0) + (data[i + 5] ?? 0) + (data[j + 2] ?? 0) + (data[j + 5] ?? 0) + 2) >> 2
  }
}

/**
 * The next level of red, green, blue and opacity of which parts are not there yet (opacity 0): the means of those of 2 × 2
 * pixels that are, halves rounded up; nothing where none is.
 */
export function halveWhatIsThere(source: Samples): OwnSamples {
  const halved = emptyHalf(source)
  const { width, height, data } = source
  const isThere = (x: number, y: number): boolean => x < width && y < height && (data[4 * (y * width + x) + 3] ?? 0) > 0
  for (let y = 0; y < halved.height; y++) {
    for (let x = 0; x < halved.width; x++) {
      const places: number[] = []
      for (let i = 0; i < 4; i++) {
        const [column, row] = [2 * x + (i % 2), 2 * y + (i >> 1)]
        if (isThere(column, row)) places.push(4 * (row * width + column))
      }
      if (places.length === 0) continue
      const target = 4 * (y * halved.width + x)
      for (let channel = 0; channel < 4; channel++) {
        let sum = 0
        for (const place of places) sum += data[place + channel] ?? 0
        halved.data[target + channel] = Math.floor(sum / places.length + 0.5)
      }
    }
  }
  return halved
}
