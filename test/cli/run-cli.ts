import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

const program = join(import.meta.dirname, '..', '..', 'bin', '2dquant.mjs')

/** The model that comes with the program. */
export const bundledModel = join(import.meta.dirname, '..', '..', 'resources', 'models', 'swinir-tiny-x4.safetensors')

/** How a program ended and what it said. */
export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the built command line as a user does. `onStart` is called with its first line on stderr and may stop it. */
export async function runCli(
  args: readonly string[],
  onStart: (stop: () => void) => void = () => undefined
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => {
      if (stderr === '') onStart(() => child.kill('SIGINT'))
      stderr += chunk.toString()
    })
    child.on('error', reject)
    child.on('close', (code) => {
      resolve({ code, stdout, stderr })
    })
  })
}

/** A folder that is gone after the tests of the calling file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), '2dquant-'))
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}
