import { existsSync, statSync } from 'node:fs'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { StudioDocument } from '../contract/channels'
import { runFile } from '../contract/names'

/** Endings of files that may hold a model. */
export const modelExtensions: readonly string[] = ['pth', 'pt', 'safetensors', 'onnx']

/** Endings of pictures that can be enlarged. */
export const pictureExtensions: readonly string[] = ['png', 'jpg', 'jpeg', 'webp', 'tif', 'tiff']

/** What a path is to this program: a model, a run, or nothing (null). */
export function documentAt(path: string): StudioDocument | null {
  if (!existsSync(path)) return null
  if (statSync(path).isDirectory()) return existsSync(join(path, runFile)) ? { kind: 'run', path } : null
  if (basename(path) === runFile) return { kind: 'run', path: dirname(path) }
  return modelExtensions.includes(extname(path).slice(1).toLowerCase()) ? { kind: 'model', path } : null
}

/** The path of a file's address; an empty one where it names none, as of another computer. */
function pathOfAddress(address: string): string {
  try {
    return fileURLToPath(address)
  } catch {
    return ''
  }
}

/**
 * The document that a command line asks for: its last argument that is one. Switches, and the app's own folder where it is
 * run unpackaged, are none.
 */
export function documentIn(args: readonly string[], folder: string): StudioDocument | null {
  // Some desktops pass addresses instead of paths.
  const pathOf = (arg: string): string => (arg.startsWith('file:') ? pathOfAddress(arg) : resolve(folder, arg))
  const found = args.slice(1).flatMap((arg) => (arg.startsWith('-') ? [] : (documentAt(pathOf(arg)) ?? [])))
  return found.at(-1) ?? null
}
