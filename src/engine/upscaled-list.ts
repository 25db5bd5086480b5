import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { variantKey } from '../contract/bounds'
import { runDetailsSchema } from '../contract/runs'
import { json, readJson, replaceFile, withDiskErrors } from './run-folder'

/** Where enlarged pictures lie in a run folder. */
export const upscaledFolder = 'upscaled'
const listFile = `${upscaledFolder}/list.json`

const upscaledPictureSchema = runDetailsSchema.shape.upscaled.element.extend({
  /** The picture that was enlarged, as an absolute path. */
  source: z.string()
})
export type UpscaledPicture = Readonly<z.infer<typeof upscaledPictureSchema>>

const listSchema = z.object({ schema: z.literal(1), pictures: z.array(upscaledPictureSchema) })

/** The pictures that a run enlarged and that are still there, newest first; none where the list cannot be read. */
export async function readUpscaled(folder: string): Promise<UpscaledPicture[]> {
  const path = join(folder, listFile)
  if (!existsSync(path)) return []
  // The rest of the run is sound without.
  const { pictures } = await readJson(path, listSchema).catch(() => ({ pictures: [] }))
  return pictures.filter(({ file }) => existsSync(join(folder, file)))
}

/** Takes note of a picture that was enlarged; what the same variant made of it before is removed. */
export async function addUpscaled(folder: string, picture: UpscaledPicture): Promise<void> {
  const known = await readUpscaled(folder)
  const replaced = known.filter((each) => each.source === picture.source && variantKey(each) === variantKey(picture))
  const others = known.filter((each) => !replaced.includes(each))
  await replaceFile(join(folder, listFile), json({ schema: 1, pictures: [picture, ...others] }))
  await withDiskErrors(folder, async () => {
    // Whatever the list says, nothing is removed outside.
    for (const { file } of replaced) await rm(join(folder, upscaledFolder, basename(file)), { force: true })
  })
}
