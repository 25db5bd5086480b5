import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { StudioError } from '../core/errors'
import type { Checkpoint } from '../core/tensor'
import { isLegacyPth, isZip, readLegacyPth, readZipPth } from './pth'
import { isSafetensors, readSafetensors } from './safetensors'

/**
 * Reads a checkpoint: safetensors, or torch's formats of before and since 1.6. The content decides, not the extension.
 * Nested dicts give names joined by dots (`params_ema.conv_first.weight`).
 *
 * @throws StudioError ('missing', 'unreadable' or 'refused'), naming the file
 */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const name = basename(path)
  if (!existsSync(path)) throw new StudioError('missing', `There is no file "${path}".`)
  const info = await stat(path)
  if (info.isDirectory()) throw new StudioError('unreadable', `"${path}" is a folder; a checkpoint file is expected.`)
  if (info.size === 0) throw new StudioError('unreadable', `"${path}" is empty.`)
  const bytes = new Uint8Array(await readFile(path))
  if (isZip(bytes)) return readZipPth(bytes, name)
  if (isLegacyPth(bytes)) return readLegacyPth(bytes, name)
  if (isSafetensors(bytes) || name.endsWith('.safetensors')) return readSafetensors(bytes, name)
  if (bytes[0] === 0x80) {
    throw new StudioError('refused', `"${name}" is a bare pickle, not a torch checkpoint; save it with torch.save.`)
  }
  const expected = 'a torch checkpoint (.pth, .pt) or a .safetensors file is expected'
  throw new StudioError('unreadable', `"${name}" cannot be read: it is damaged or of another kind; ${expected}.`)
}
