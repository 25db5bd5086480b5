import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** onnxruntime's headers as Debian 13 has them; npm's package carries the library alone, which takes those of older versions. */
const headers = {
  address: 'https://deb.debian.org/debian/pool/main/o/onnxruntime/libonnxruntime-dev_1.21.0+dfsg-1_amd64.deb',
  sha256: '14f7d959d5deacbcf1504830d4189f91fc67382b399ed9ae9d3aa9c4050ced08'
}

/** Compiles a program of C++ against npm's onnxruntime; gives the path of what can be run. */
export async function compile(source: string, folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true })
  const [include, library] = [await includeFolder(folder), libraryFile()]
  const [file, program] = [join(folder, 'main.cpp'), join(folder, 'program')]
  writeFileSync(file, source)
  const options = ['-std=c++17', '-Wall', '-Werror', `-I${include}`, `-Wl,-rpath,${dirname(library)}`]
  runProgram('c++', [...options, file, library, '-o', program])
  return program
}

/** Runs a program; gives what it prints. */
export function runProgram(file: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(file, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${file}: ${error?.message ?? stderr}`)
  return stdout
}

async function includeFolder(folder: string): Promise<string> {
  const include = join(folder, 'headers', 'usr', 'include', 'onnxruntime')
  if (existsSync(include)) return include
  const answer = await fetch(headers.address).catch((cause: unknown) => {
    throw new Error(`${headers.address} is out of reach`, { cause })
  })
  const bytes = Buffer.from(await answer.arrayBuffer())
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  if (sha256 !== headers.sha256) throw new Error(`${headers.address} is not the file that was tried`)
  const file = join(folder, 'headers.deb')
  writeFileSync(file, bytes)
  runProgram('dpkg-deb', ['-x', file, join(folder, 'headers')])
  return include
}

function libraryFile(): string {
  const { resolve } = createRequire(import.meta.url)
  return join(
    dirname(resolve('onnxruntime-node/package.json')),
    'bin',
    'napi-v6',
    'linux',
    'x64',
    'libonnxruntime.so.1'
  )
}
