/** Endings of files that pictures are read from. */
const pictureEnding = /\.(png|jpe?g|webp|tiff?)$/i
const modelEnding = /\.(pth|pt|safetensors|onnx)$/i

/** What was dropped on the viewer. */
export interface Dropped {
  readonly pictures: readonly string[]
  readonly folders: readonly string[]
  /** Names of what is neither a picture nor a folder. */
  readonly refused: readonly string[]
}

export function isPicture(path: string): boolean {
  return pictureEnding.test(path)
}

/** What the browser tells of a dropped file or folder, as far as it is read. */
interface DroppedItem<F> {
  getAsFile(): F | null
  webkitGetAsEntry(): { readonly isDirectory: boolean } | null
}

/** An entry that is a folder. */
interface FolderEntry {
  getFile(name: string, options: object, found: () => void, lost: () => void): void
}

/**
 * What a drop brings to the viewer; null where it is a model or a run, which open as anywhere else.
 *
 * @param pathOf the path of a file, as the bridge tells it
 */
export async function readDrop<F extends { readonly name: string }>(
  transfer: { readonly items: Iterable<DroppedItem<F>> },
  pathOf: (file: F) => string
): Promise<Dropped | null> {
  // All is taken at once: once the event is over nothing of it can be read.
  const items = [...transfer.items].flatMap((item) => {
    const [file, entry] = [item.getAsFile(), item.webkitGetAsEntry()]
    return file === null ? [] : [{ path: pathOf(file), name: file.name, entry }]
  })
  const [first] = items
  if (first === undefined || modelEnding.test(first.name) || (await isRun(first.entry))) return null
  const files = items.filter(({ entry }) => entry?.isDirectory !== true)
  return {
    pictures: files.filter(({ name }) => isPicture(name)).map(({ path }) => path),
    folders: items.filter(({ entry }) => entry?.isDirectory === true).map(({ path }) => path),
    refused: files.filter(({ name }) => !isPicture(name)).map(({ name }) => name)
  }
}

/** Whether an entry is a run folder. */
async function isRun(entry: { readonly isDirectory: boolean } | null): Promise<boolean> {
  if (entry?.isDirectory !== true) return false
  const folder = entry as unknown as FolderEntry
  return new Promise((resolve) => {
    const tell = (isThere: boolean) => (): void => {
      resolve(isThere)
    }
    folder.getFile('run.json', {}, tell(true), tell(false))
  })
}
