import { readFileSync } from 'node:fs'

/** The numbers in a file of float32, one after the other. */
export function readFloats(path: string): Float32Array {
  const { buffer, byteOffset, length } = readFileSync(path)
  return new Float32Array(buffer.slice(byteOffset, byteOffset + length))
}
