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

/**
 * What a drop brings to the viewer; null where it is a model or a run, which open as anywhere else.
 *
 * @param pathOf the path of a file, as the bridge tells it
 */
export async function readDrop(transfer: DataTransfer, pathOf: (file: File) => string): Promise<Dropped | null> {
  // All is taken at once: once the event is over nothing of it can be read.
  const items = [...transfer.items].flatMap((item) => {
    const [file, entry] = [item.getAsFile(), item.webkitGetAsEntry()]
    return file === null ? [] : [{ path: pathOf(file), name: file.name, entry }]
  })
  const [first] = items
  if (first === undefined || modelEnding.test(first.name) || (await isRun(first.entry))) return null
  const folders = items.filter(({ entry }) => entry?.isDirectory === true).map(({ path }) => path)
  const files = items.filter(({ entry }) => entry?.isDirectory !== true)
  return {
    pictures: files.filter(({ name }) => isPicture(name)).map(({ path }) => path),
    folders,
    refused: files.filter(({ name }) => !isPicture(name)).map(({ name }) => name)
  }
}

/** Whether an entry is a run folder. */
async function isRun(entry: FileSystemEntry | null): Promise<boolean> {
  if (entry?.isDirectory !== true) return false
  return new Promise((resolve) => {
    ;(entry as FileSystemDirectoryEntry).getFile(
      'run.json',
      {},
      () => {
        resolve(true)
      },
      () => {
        resolve(false)
      }
    )
  })
}
