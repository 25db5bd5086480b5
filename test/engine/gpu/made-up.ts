import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { zipSync, type Zippable } from 'fflate'
import type { GpuComponent } from '../../../src/runtimes/gpu/components'
import type { Answer } from '../zoo/file-server'
import { sendingOf } from '../zoo/file-server'

/** A component as nobody publishes it, and its parts' files. */
export interface MadeUp {
  readonly component: GpuComponent
  /** By their names. */
  readonly archives: ReadonlyMap<string, Uint8Array>
}

/** What is in the parts of a made-up component: in each, members by the names that are kept of them. */
export type Contents = readonly Readonly<Record<string, Uint8Array>>[]

/** A component for this system; what is in it lies in the folder `inside` of archives that hold more than that. */
export function madeUp(
  contents: Contents,
  changes: Partial<GpuComponent> = {},
  server = 'https://nowhere.invalid'
): MadeUp {
  const { id = 'made-up', version = '1.0' } = changes
  const archives = new Map(
    contents.map((files, i) => {
      const others: Zippable = { '../../outside.txt': Buffer.from('no'), 'inside/more.txt': Buffer.from('no') }
      const members = Object.entries(files).map(([name, bytes]) => [`inside/${name}`, bytes] as const)
      return [
        `${id}-${version}-${i}.whl`,
        zipSync({ ...others, ...Object.fromEntries(members) }, { level: 1, mtime: '2026-01-01' })
      ]
    })
  )
  const parts = [...archives].map(([name, bytes], i) => {
    const members = Object.entries(contents[i] ?? {}).map(([member, content]) => {
      return { path: `inside/${member}`, name: member, bytes: content.length }
    })
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    return { name, url: `${server}/${name}`, bytes: bytes.length, sha256, members }
  })
  const component: GpuComponent = {
    id,
    title: 'Made-up libraries',
    version,
    platform: `${process.platform}-${process.arch}`,
    use: 'libraries',
    licences: [{ name: 'MIT', page: 'https://example.org/licence' }],
    source: 'https://example.org/',
    parts,
    ...changes
  }
  return { component, archives }
}

/** Sends archives by their names. */
export function sendingAll({ archives }: MadeUp): Answer {
  return (request, response) => {
    const content = archives.get((request.url ?? '').slice(1))
    if (content === undefined) response.writeHead(404).end()
    else sendingOf(content)(request, response)
  }
}

/** Has this process, and those that it starts, know of these components and no others. */
export function useCatalogue(file: string, components: readonly GpuComponent[]): void {
  writeFileSync(file, JSON.stringify({ schema: 1, components }))
  process.env['STUDIO_GPU_CATALOGUE'] = file
}
