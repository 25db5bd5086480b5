/** What is packed: anything JSON can tell, and arrays of numbers. */
interface Packed {
  readonly header: unknown
  readonly arrays: readonly Float64Array[]
}

/**
 * A header and arrays of float64 as bytes: the header's length (uint32), the header (JSON, with the arrays' lengths), the
 * arrays. Little-endian.
 */
export function packNumbers({ header, arrays }: Packed): Buffer {
  const text = Buffer.from(JSON.stringify({ header, lengths: arrays.map(({ length }) => length) }))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(text.length)
  const bodies = arrays.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength))
  return Buffer.concat([length, text, ...bodies])
}

/** What `packNumbers` packed. Throws where the bytes are not whole. */
export function unpackNumbers(bytes: Buffer): Packed {
  const textLength = bytes.readUInt32LE(0)
  const text: unknown = JSON.parse(bytes.toString('utf8', 4, 4 + textLength))
  if (typeof text !== 'object' || text === null || !('header' in text) || !('lengths' in text)) {
    throw new Error('The header is not as it was written')
  }
  const lengths = Array.isArray(text.lengths) ? text.lengths.map(Number) : []
  let offset = 4 + textLength
  const arrays = lengths.map((count) => {
    const end = offset + 8 * count
    if (end > bytes.length) throw new Error('Numbers are missing at the end')
    // Copied, because float64 must begin at a multiple of eight.
    const array = new Float64Array(new Uint8Array(bytes.subarray(offset, end)).buffer)
    offset = end
    return array
  })
  return { header: text.header, arrays }
}
