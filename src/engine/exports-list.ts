import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { exportFolder } from '../contract/names'
import { exportResultSchema, type ExportResult } from '../contract/results'
import { json, readJson, replaceFile } from './run-folder'

const listFile = `${exportFolder}/list.json`
const listSchema = z.object({ schema: z.literal(1), exports: z.array(exportResultSchema) })

/** The files in a run's folder that it was written as and that are still there, newest first; none where the list cannot be read. */
export async function readExports(run: string): Promise<ExportResult[]> {
  const path = join(run, listFile)
  if (!existsSync(path)) return []
  // The rest of the run is sound without.
  const { exports } = await readJson(path, listSchema).catch(() => ({ exports: [] }))
  return exports.filter(({ file }) => existsSync(file))
}

/** Takes note of a file in the run's folder for these. */
export async function addExport(run: string, result: ExportResult): Promise<void> {
  const others = (await readExports(run)).filter(({ file }) => file !== result.file)
  await replaceFile(join(run, listFile), json({ schema: 1, exports: [result, ...others] }))
}
