// Puts @tensorflow/tfjs-node with TensorFlow's real library into .tfjs-native/, for tests of the second runtime: the binding of
// tfjs-node-gpu is the same JavaScript and the same C++. The package's own way fetches the library from a host that may be out of
// reach; here it comes from LIBTENSORFLOW_DIR (a folder with include/ and lib/, as TensorFlow publishes it), or from the wheel of
// `tensorflow-cpu` on PyPI, which carries the C library and its headers. Needs a C++ compiler (`c++`). Linux on x64 only.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { unzipSync } from 'fflate'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/** Where everything lies; packages in it find those of the project above it, and so share one tfjs. */
export const nativeFolder = join(root, '.tfjs-native')

const version = '4.22.0'
const wheel = { project: 'tensorflow-cpu', file: /tensorflow_cpu-2\.18\.1-cp311-cp311-manylinux[\w.]*_x86_64\.whl$/ }
const index = 'https://pypi.org/simple'

/** Makes the folder where it is not there yet. Throws an Error of one sentence where something is missing. */
export async function ensureTfjsNative(say = console.error) {
  const packageFolder = join(nativeFolder, 'node_modules', '@tensorflow', 'tfjs-node')
  const binding = join(packageFolder, 'lib', 'napi-v8', 'tfjs_binding.node')
  if (existsSync(binding)) return
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(
      'TensorFlow’s library is fetched for Linux on x64 only; set LIBTENSORFLOW_DIR and build tfjs-node yourself.'
    )
  }
  rmSync(nativeFolder, { recursive: true, force: true })
  mkdirSync(nativeFolder, { recursive: true })
  say('Fetching @tensorflow/tfjs-node and node-api-headers from the npm registry…')
  unpackPackage(`@tensorflow/tfjs-node@${version}`, packageFolder)
  const headers = join(nativeFolder, 'node-api-headers')
  unpackPackage('node-api-headers@1.9.0', headers)
  const { include, libraries } = await library(say)
  say('Compiling the binding…')
  mkdirSync(dirname(binding), { recursive: true })
  const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((name) => join(packageFolder, 'binding', name))
  const includes = [packageFolder, join(headers, 'include'), include].flatMap((folder) => ['-I', folder])
  const linked = libraries.files.map((file) => `-l:${file}`)
  const options = ['-std=c++17', '-O2', '-fPIC', '-shared', '-DNAPI_VERSION=8', `-Wl,-rpath,${libraries.folder}`]
  run('c++', [...options, ...sources, ...includes, '-L', libraries.folder, ...linked, '-o', `${binding}.part`])
  renameSync(`${binding}.part`, binding)
}

/** Headers of TensorFlow's C interface, and the libraries that it is in. */
async function library(say) {
  const given = process.env.LIBTENSORFLOW_DIR
  if (given !== undefined) {
    const folder = join(given, 'lib')
    if (!existsSync(folder)) throw new Error(`LIBTENSORFLOW_DIR is "${given}", which has no folder lib.`)
    const files = ['libtensorflow.so.2', 'libtensorflow_framework.so.2']
    return { include: join(given, 'include'), libraries: { folder, files } }
  }
  say('Fetching the wheel of tensorflow-cpu from PyPI (230 MB)…')
  const folder = join(nativeFolder, 'tensorflow')
  const files = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2']
  const isWanted = (name) =>
    name.startsWith('tensorflow/include/') ? name.endsWith('.h') : files.some((file) => name === `tensorflow/${file}`)
  for (const [name, bytes] of Object.entries(unzipSync(await fetchWheel(), { filter: ({ name }) => isWanted(name) }))) {
    const path = join(nativeFolder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, bytes)
  }
  return { include: join(folder, 'include'), libraries: { folder, files } }
}

async function fetchWheel() {
  const page = `${index}/${wheel.project}/`
  const html = await (await fetched(page)).text()
  const links = [...html.matchAll(/href="([^"#]+)#sha256=([0-9a-f]{64})"/g)]
  const link = links.find(([, address = '']) => wheel.file.test(address))
  if (link === undefined) throw new Error(`${page} has no file ${wheel.file.source}.`)
  const [, address = '', digest] = link
  const bytes = new Uint8Array(await (await fetched(new URL(address, page))).arrayBuffer())
  if (createHash('sha256').update(bytes).digest('hex') !== digest) throw new Error(`${address} is damaged; try again.`)
  return bytes
}

async function fetched(address) {
  let response
  try {
    response = await fetch(address)
  } catch (cause) {
    throw new Error(
      `PyPI is out of reach (${address}): set LIBTENSORFLOW_DIR to a folder with TensorFlow's C library.`,
      { cause }
    )
  }
  if (!response.ok) throw new Error(`${address} answers ${response.status}.`)
  return response
}

/** A package of the npm registry as it is, without those that it depends on, which the project has. */
function unpackPackage(name, folder) {
  const apart = join(nativeFolder, 'packed')
  mkdirSync(apart, { recursive: true })
  run('npm', ['pack', '--silent', '--pack-destination', apart, name])
  const [archive = ''] = readdirSync(apart)
  mkdirSync(folder, { recursive: true })
  run('tar', ['-xzf', join(apart, archive), '-C', folder, '--strip-components=1'])
  rmSync(apart, { recursive: true })
}

function run(command, args) {
  const { status, error, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8' })
  if (error !== undefined) throw new Error(`\`${command}\` is needed and is not there.`, { cause: error })
  if (status !== 0)
    throw new Error(`\`${command} ${args[0]}\` failed: ${stderr.trim().split('\n').slice(-3).join(' ')}`)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    await ensureTfjsNative()
  } catch (error) {
    console.error(`error: ${error.message}`)
    process.exitCode = 1
  }
}
