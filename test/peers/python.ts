import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Versions that were tried. */
const packages = ['numpy==2.4.6', 'onnx==1.23.2', 'onnxruntime==1.32.0', 'torch==2.15.0']

/**
 * A Python that has onnx, onnxruntime and PyTorch: the one that PEERS_PYTHON names, else a virtual environment in the user's
 * cache that is made from PyPI. Throws where that is out of reach.
 */
export function peersPython(): string {
  const named = process.env['PEERS_PYTHON']
  if (named !== undefined) return named
  const folder = join(homedir(), '.cache', '2dquant-peers')
  const python = join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python')
  mkdirSync(join(folder, '..'), { recursive: true })
  if (!existsSync(python)) command('python3', ['-m', 'venv', folder], 'Python 3 with its module venv is needed')
  command(python, ['-m', 'pip', 'install', '--quiet', ...packages], 'PyPI, or enough disk for PyTorch, is out of reach')
  return python
}

/** Runs a program of Python; gives what it prints. */
export function runPython(python: string, program: string): string {
  const { status, stdout, stderr } = spawnSync(python, ['-'], { input: program, encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return stdout
}

function command(file: string, args: readonly string[], reason: string): void {
  const { status, stderr, error } = spawnSync(file, args, { encoding: 'utf8' })
  if (status === 0) return
  throw new Error(`${reason}: ${error?.message ?? stderr.trim().split('\n').at(-1) ?? ''}`)
}
