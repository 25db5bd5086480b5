import { join } from 'node:path'
import { gpuFolderName, gpuFolderVariable } from '../../contract/gpu'

/**
 * Has this process, and those that it starts, take libraries for GPUs from an engine's folder.
 *
 * @returns the folder of libraries
 */
export function takeGpuLibrariesFrom(engineFolder: string): string {
  const folder = join(engineFolder, gpuFolderName)
  process.env[gpuFolderVariable] = folder
  return folder
}
