import { createReadStream, createWriteStream } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createInflateRaw } from 'node:zlib'
import { StudioError } from '../../core/errors'
import type { GpuPart } from '../../runtimes/gpu/components'

/** Where a member's bytes are in an archive, and how they are packed: 0 as they are, 8 deflated. */
interface Entry {
  readonly header: number
  readonly packed: number
  readonly method: number
}

/**
 * Takes the members of a part out of its archive into a folder, each under the name that the catalogue gives it, streamed: no more
 * than some buffers are in memory. What else is in the archive is left there, and no name in it becomes a path.
 *
 * @param archive the part's file, whose digest is known to be right
 * @param onProgress hears how many bytes came since it heard last
 * @throws StudioError ('unreadable') where a member is not there or has another size
 */
export async function unpack(
  archive: string,
  { name, members }: GpuPart,
  folder: string,
  { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress: (bytes: number) => void }
): Promise<void> {
  const file = await open(archive, 'r')
  try {
    const entries = await readDirectory(file, (await stat(archive)).size)
    for (const member of members) {
      const entry = entries.get(member.path)
      if (entry === undefined || ![0, 8].includes(entry.method)) throw notAsListed(name, member.path)
      const start = await dataOffset(file, entry)
      let bytes = 0
      const counted = new Transform({
        transform: (chunk: Buffer, _, done) => {
          bytes += chunk.length
          onProgress(chunk.length)
          // An archive that unpacks to more than is listed fills no disk.
          done(bytes > member.bytes ? notAsListed(name, member.path) : null, chunk)
        }
      })
      const source = createReadStream(archive, { start, end: start + entry.packed - 1, highWaterMark: 2 ** 18 })
      // Flushed: once the folder has its name, a power cut must not leave empty files in it.
      const target = createWriteStream(join(folder, member.name), { flush: true, highWaterMark: 2 ** 20 })
      if (entry.method === 0) await pipeline(source, counted, target, { signal })
      else await pipeline(source, createInflateRaw({ chunkSize: 2 ** 18 }), counted, target, { signal })
      if (bytes !== member.bytes) throw notAsListed(name, member.path)
    }
  } finally {
    await file.close()
  }
}

function notAsListed(archive: string, member: string): StudioError {
  return new StudioError('unreadable', `"${archive}" has no "${member}" as this program expects it; nothing was kept.`)
}

/** Entries by name, from the directory at the end of a zip archive (APPNOTE 6.3, 4.3.12 and 4.3.16). */
async function readDirectory(file: FileHandle, size: number): Promise<ReadonlyMap<string, Entry>> {
  // Behind the directory's end there may be a comment of up to 64 KiB.
  const tail = await bytesAt(file, Math.max(0, size - 22 - 0xffff), size)
  const end = tail.lastIndexOf('PK\u0005\u0006', undefined, 'latin1')
  if (end < 0) return new Map()
  const [count, length, offset] = [
    tail.readUInt16LE(end + 10),
    tail.readUInt32LE(end + 12),
    tail.readUInt32LE(end + 16)
  ]
  const directory = await bytesAt(file, offset, offset + length)
  const entries = new Map<string, Entry>()
  for (let i = 0, at = 0; i < count; i++) {
    const named = directory.readUInt16LE(at + 28)
    const name = directory.toString('utf8', at + 46, at + 46 + named)
    const [method, packed] = [directory.readUInt16LE(at + 10), directory.readUInt32LE(at + 20)]
    entries.set(name, { header: directory.readUInt32LE(at + 42), packed, method })
    at += 46 + named + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32)
  }
  return entries
}

/** Where the bytes of an entry begin: behind its own header, whose extra field is not the directory's (4.3.7). */
async function dataOffset(file: FileHandle, { header }: Entry): Promise<number> {
  const fixed = await bytesAt(file, header, header + 30)
  return header + 30 + fixed.readUInt16LE(26) + fixed.readUInt16LE(28)
}

async function bytesAt(file: FileHandle, from: number, to: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(to - from), 0, to - from, from)
  return buffer.subarray(0, bytesRead)
}
