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
export function halveRows(source: Samples, target: OwnSamples, from: number, to: number): void {
  const { channels, data } = source
  const out = target.data
  const stride = source.width * channels
  const words = wordsOf(source)
  const pairs = Math.floor(source.width / 2)
  for (let y = from; y < to; y++) {
    const above = 2 * y * stride
    const below = 2 * y + 1 < source.height ? above + stride : above
    const at = y * target.width * channels
    if (words === null) meanOfPairs(data, above, below, out, at, pairs, channels)
    else if (channels === 4) meanOfPixels(words, above >> 2, below >> 2, new Uint32Array(out.buffer), at >> 2, pairs)
    else meanOfColours(words, above >> 2, below >> 2, out, at, pairs)
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

/**
 * Colours, with opacity or without, four samples to a number, where rows begin at such numbers: reading them so takes a third
 * of the time, and large pictures are seen that much sooner. Null for other pictures.
 */
function wordsOf({ width, channels, data }: Samples): Uint32Array | null {
  const isLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1
  const isWhole = channels === 4 || (channels === 3 && width % 4 === 0)
  if (!isWhole || data.byteOffset % 4 !== 0 || !isLittleEndian) return null
  return new Uint32Array(data.buffer, data.byteOffset, data.length / 4)
}

/** A row of means of pixels that lie two by two in two rows, each of them one word; sums go two to a number. */
function meanOfPixels(
  words: Uint32Array,
  above: number,
  below: number,
  out: Uint32Array,
  at: number,
  pairs: number
): void {
  let i = above
  let j = below
  for (let to = at; to < at + pairs; to++, i += 2, j += 2) {
    const a = words[i] ?? 0
    const b = words[i + 1] ?? 0
    const c = words[j] ?? 0
    const d = words[j + 1] ?? 0
    const even = (a & 0xff00ff) + (b & 0xff00ff) + (c & 0xff00ff) + (d & 0xff00ff) + 0x20002
    const odd =
      ((a >>> 8) & 0xff00ff) + ((b >>> 8) & 0xff00ff) + ((c >>> 8) & 0xff00ff) + ((d >>> 8) & 0xff00ff) + 0x20002
    out[to] = ((even >>> 2) & 0xff00ff) | (((odd >>> 2) & 0xff00ff) << 8)
  }
}

/** A row of means of colours that lie two by two in two rows: twelve samples of each row make two pixels. */
function meanOfColours(
  words: Uint32Array,
  above: number,
  below: number,
  out: Uint8Array,
  at: number,
  pairs: number
): void {
  let [i, j, to] = [above, below, at]
  for (let x = 0; x < pairs; x += 2, i += 3, j += 3, to += 6) {
    // Sums of one above the other, two to a number: of samples 0 and 2 of a word (even), 1 and 3 (odd).
    const a = words[i] ?? 0
    const b = words[i + 1] ?? 0
    const c = words[i + 2] ?? 0
    const d = words[j] ?? 0
    const e = words[j + 1] ?? 0
    const f = words[j + 2] ?? 0
    const even0 = (a & 0xff00ff) + (d & 0xff00ff)
    const even1 = (b & 0xff00ff) + (e & 0xff00ff)
    const even2 = (c & 0xff00ff) + (f & 0xff00ff)
    const odd0 = ((a >>> 8) & 0xff00ff) + ((d >>> 8) & 0xff00ff)
    const odd1 = ((b >>> 8) & 0xff00ff) + ((e >>> 8) & 0xff00ff)
    const odd2 = ((c >>> 8) & 0xff00ff) + ((f >>> 8) & 0xff00ff)
    out[to] = ((even0 & 0xffff) + (odd0 >>> 16) + 2) >> 2
    out[to + 1] = ((odd0 & 0xffff) + (even1 & 0xffff) + 2) >> 2
    out[to + 2] = ((even0 >>> 16) + (odd1 & 0xffff) + 2) >> 2
    out[to + 3] = ((even1 >>> 16) + (odd2 & 0xffff) + 2) >> 2
    out[to + 4] = ((odd1 >>> 16) + (even2 >>> 16) + 2) >> 2
    out[to + 5] = ((even2 & 0xffff) + (odd2 >>> 16) + 2) >> 2
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
