import { existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, rename, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { StudioError } from '../../core/errors'
import { withDiskErrors } from '../run-folder'
import type { ZooModel } from './catalogue'
import { download, sha256Of, type DownloadOptions } from './download'

/**
 * Where models of the zoo are on this machine, whatever their files are called: files of some folders that have the size and
 * then the digest of one. Folders that are not there hold nothing.
 */
export async function findModels(
  models: readonly ZooModel[],
  folders: readonly string[]
): Promise<ReadonlyMap<ZooModel, string>> {
  const found = new Map<ZooModel, string>()
  for (const folder of folders) {
    if (!existsSync(folder)) continue
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (!entry.isFile()) continue
      const path = join(folder, entry.name)
      const { size } = await stat(path)
      const alike = models.filter((model) => model.bytes === size && !found.has(model))
      if (alike.length === 0) continue
      const digest = await sha256Of(path)
      const model = alike.find(({ sha256 }) => sha256 === digest)
      if (model !== undefined) found.set(model, path)
    }
  }
  return found
}

/** How a model came to be where it is now. */
export interface Obtained {
  readonly path: string
  readonly how: 'was there' | 'copied' | 'downloaded'
}

/**
 * Has a model in a folder under the name it was published by: it may be there, may lie in another folder that is looked
 * through, or is downloaded.
 *
 * @throws StudioError where another file has its name, or as `download` does
 */
export async function obtain(
  model: ZooModel,
  folder: string,
  looked: readonly string[],
  options: DownloadOptions
): Promise<Obtained> {
  const path = join(folder, model.name)
  const there = (await findModels([model], [folder, ...looked])).get(model)
  if (there !== undefined && dirname(there) === folder) return { path: there, how: 'was there' }
  if (existsSync(path)) {
    const what = `"${path}" is another file than the published one of this name`
    throw new StudioError('refused', `${what}; move it away, or give another folder by --out.`)
  }
  if (there === undefined) {
    await download(model, path, options)
    return { path, how: 'downloaded' }
  }
  await withDiskErrors(path, async () => {
    await mkdir(folder, { recursive: true })
    await copyFile(there, `${path}.copy`)
    await rename(`${path}.copy`, path)
  })
  return { path, how: 'copied' }
}
