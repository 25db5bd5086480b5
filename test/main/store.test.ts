import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Store } from '../../src/main/store'
import { temporaryFolder } from '../cli/run-cli'

const usual = {
  theme: 'system',
  language: 'system',
  runsFolder: null,
  memoryCap: null,
  modelServer: null,
  runtime: null
}

describe('what the app remembers', () => {
  it('is the usual at first, and what was chosen later', () => {
    const folder = temporaryFolder()
    const store = new Store(folder)
    expect(store.settings).toEqual(usual)
    expect(store.window).toBeNull()
    store.changeSettings({ theme: 'dark' })
    store.changeSettings({ language: 'zh-CN' })
    store.window = { x: 1, y: 2, width: 900, height: 600, isMaximized: false }
    const later = new Store(folder)
    expect(later.settings).toEqual({ ...usual, theme: 'dark', language: 'zh-CN' })
    expect(later.window).toEqual({ x: 1, y: 2, width: 900, height: 600, isMaximized: false })
  })

  it('holds ten recent documents, each once, the newest first', () => {
    const store = new Store(temporaryFolder())
    for (let i = 0; i < 12; i++) store.addRecent({ kind: 'model', path: `/${i % 11}.pth` })
    const paths = store.recent.map(({ path }) => path)
    expect(paths).toEqual([0, 10, 9, 8, 7, 6, 5, 4, 3, 2].map((i) => `/${i}.pth`))
  })

  it.each([
    ['no JSON', '{"settings"'],
    ['settings of another kind', '{"settings":{"theme":"pink","language":"en"},"window":7,"recent":"x"}']
  ])('begins anew where its file is damaged: %s', (_, contents) => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'settings.json'), contents)
    const store = new Store(folder)
    expect(store.settings).toEqual(usual)
    expect(store.recent).toEqual([])
    store.changeSettings({ theme: 'light' })
    expect(readFileSync(join(folder, 'settings.json'), 'utf8')).toContain('light')
  })
})
