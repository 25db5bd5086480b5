import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { gpuFolderVariable, type GpuEntry } from '../../contract/gpu'
import { gpuComponents, type GpuComponent } from './components'

/** The folder that holds libraries for GPUs, as this process was told; null where it was not. */
export function gpuFolder(): string | null {
  return process.env[gpuFolderVariable] ?? null
}

/** The file of an installed component that is written last. */
export const manifestName = 'installed.json'

export const manifestSchema = z.object({
  schema: z.literal(1),
  id: z.string(),
  version: z.string(),
  parts: z.array(z.object({ name: z.string(), sha256: z.string() }))
})

/** The folder of a component, of whatever version. */
export function folderOf({ id, version }: Pick<GpuComponent, 'id' | 'version'>, folder: string): string {
  return join(folder, `${id}@${version}`)
}

/** Folders of all versions of a component that are there, and of what was broken off when it was put there or removed. */
export function foldersOf({ id }: Pick<GpuComponent, 'id'>, folder: string): readonly string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder).flatMap((name) => (name.startsWith(`${id}@`) ? [join(folder, name)] : []))
}

/** What an unfinished folder's name ends in. */
export const unfinished = '.unfinished'

/** How it stands with a component in a folder of libraries. */
export function stateOf(component: GpuComponent, folder: string): GpuEntry['state'] {
  if (isInstalled(component, folder)) return 'installed'
  return foldersOf(component, folder).some((path) => !path.endsWith(unfinished)) ? 'outdated' : 'absent'
}

/** Whether a component is there wholly, of the version and of the very files that the program knows. */
export function isInstalled(component: GpuComponent, folder: string): boolean {
  const own = folderOf(component, folder)
  try {
    const { id, version, parts } = manifestSchema.parse(JSON.parse(readFileSync(join(own, manifestName), 'utf8')))
    const isSame =
      id === component.id &&
      version === component.version &&
      component.parts.every(({ sha256 }) => parts.some((part) => part.sha256 === sha256))
    const members = component.parts.flatMap((part) => part.members)
    return isSame && members.every(({ name, bytes }) => statSync(join(own, name)).size === bytes)
  } catch {
    return false
  }
}

/** The components that this process can take libraries from. */
export function installedComponents(): readonly GpuComponent[] {
  const folder = gpuFolder()
  return folder === null ? [] : gpuComponents().filter((component) => isInstalled(component, folder))
}
