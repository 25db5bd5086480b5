import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect } from 'vitest'

export const program = join(import.meta.dirname, '..', '..', 'bin', '2dquant.mjs')

/** The model that comes with the program. */
export const bundledModel = join(import.meta.dirname, '..', '..', 'resources', 'models', 'swinir-tiny-x4.safetensors')

/** How a program ended and what it said. */
export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs the built command line as a user does. `onText` sees all it has said on stderr so far, and may end it; a second
 * signal is not sent, as it would end the program at once.
 */
export async function runCli(
  args: readonly string[],
  onText: (text: string, end: () => void) => void = () => undefined
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, NO_COLOR: '1' }
    const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env })
    let stdout = ''
    let stderr = ''
    let ended = false
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
      onText(stderr, () => {
        if (!ended) child.kill('SIGINT')
        ended = true
      })
    })
    child.on('error', reject)
    child.on('close', (code) => {
      resolve({ code, stdout, stderr })
    })
  })
}

/** The JSON on stdout; the whole of it must be one document. */
export function json({ code, stdout, stderr }: Outcome): unknown {
  expect(stderr.split('\n').filter((line) => line.startsWith('error'))).toEqual([])
  expect(code).toBe(0)
  return JSON.parse(stdout)
}

/** A folder that is gone after the tests of the calling file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), '2dquant-'))
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}
