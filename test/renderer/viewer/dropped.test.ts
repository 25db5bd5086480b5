import { describe, expect, it } from 'vitest'
import { readDrop } from '../../../src/renderer/viewer/dropped'

interface Item {
  getAsFile(): { readonly name: string }
  webkitGetAsEntry(): {
    readonly isDirectory: boolean
    getFile(wanted: string, options: object, found: () => void, lost: () => void): void
  }
}

/** What the browser tells of dropped files; a folder is one with the names in it. */
function drop(files: Readonly<Record<string, readonly string[] | null>>): { readonly items: readonly Item[] } {
  const items = Object.entries(files).map(([name, inside]) => ({
    getAsFile: () => ({ name }),
    webkitGetAsEntry: () => ({
      isDirectory: inside !== null,
      getFile: (wanted: string, _: object, found: () => void, lost: () => void) => {
        if (inside?.includes(wanted) === true) found()
        else lost()
      }
    })
  }))
  return { items }
}
const pathOf = ({ name }: { readonly name: string }): string => `/home/me/${name}`

describe('what is dropped on the viewer', () => {
  it('is told apart: pictures, folders, and what is neither', async () => {
    const dropped = await readDrop(
      drop({ 'a.PNG': null, holiday: ['b.png'], 'notes.txt': null, 'c.tif': null }),
      pathOf
    )
    expect(dropped).toEqual({
      pictures: ['/home/me/a.PNG', '/home/me/c.tif'],
      folders: ['/home/me/holiday'],
      refused: ['notes.txt']
    })
  })

  it('opens as anywhere else where it is a model or a run', async () => {
    expect(await readDrop(drop({ 'net.safetensors': null }), pathOf)).toBeNull()
    expect(await readDrop(drop({ 'run-1': ['run.json', 'bounds.json'] }), pathOf)).toBeNull()
    expect(await readDrop(drop({}), pathOf)).toBeNull()
  })
})
