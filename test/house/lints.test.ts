import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ESLint } from 'eslint'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..', '..')
const lint = (config: string): ESLint => new ESLint({ cwd: root, overrideConfigFile: join(root, config) })
const imports = lint('eslint.imports.config.mjs')

/** The rules that a snippet breaks where it stands. */
async function broken(eslint: ESLint, filePath: string, code: string): Promise<readonly (string | null)[]> {
  const results = await eslint.lintText(code, { filePath: join(root, filePath) })
  return results.flatMap(({ messages }) => messages.map(({ ruleId }) => ruleId))
}

describe('lint:imports', () => {
  it.each([
    ['core may not know the engine', 'src/core/runtime.ts', `import '../engine/job'`],
    ['core may not know formats', 'src/core/runtime.ts', `import '../formats/onnx'`],
    ['contract stands alone', 'src/contract/run.ts', `import '../core/errors'`],
    ['formats may not know runtimes', 'src/formats/onnx.ts', `import '../runtimes/select'`],
    ['the command line goes through the engine', 'src/cli/main.ts', `import '../core/errors'`],
    ['the command line does not read files itself', 'src/cli/main.ts', `import '../formats/checkpoint'`],
    ['runtimes may not know the engine', 'src/runtimes/select.ts', `import '../engine/plan'`],
    ['the main process starts the engine and does not call it', 'src/main/index.ts', `import '../engine/job'`],
    ['windows talk to the engine by the contract', 'src/renderer/main.ts', `import '../engine/job'`],
    ['pages, too', 'src/renderer/App.vue', `<script setup lang="ts">\nimport '../engine/job'\n</script>`],
    ['windows read no files', 'src/renderer/main.ts', `import '../formats/onnx'`],
    ['windows draw, they do not train', 'src/renderer/main.ts', `import '../core/distillation/adam'`]
  ])('%s', async (_, file, code) => {
    expect(await broken(imports, file, code)).toContain('boundaries/dependencies')
  })

  it.each([
    ['the engine uses core', 'src/engine/job.ts', `import '../core/errors'`],
    ['the command line uses the contract', 'src/cli/main.ts', `import '../contract/run'`],
    ['windows compute what they draw', 'src/renderer/main.ts', `import '../core/calibration/dobi'`]
  ])('%s', async (_, file, code) => {
    expect(await broken(imports, file, code)).toEqual([])
  })

  it.each([
    ['Node modules', `import 'node:fs'`, 'no-restricted-imports'],
    ['packages', `import 'onnxruntime-node'`, 'no-restricted-imports'],
    ['the process', `process.exit()`, 'no-restricted-globals'],
    ['the clock', `Date.now()`, 'no-restricted-globals'],
    ['chance', `Math.random()`, 'no-restricted-properties']
  ])('keeps core free of %s', async (_, code, rule) => {
    expect(await broken(imports, 'src/core/runtime.ts', code)).toContain(rule)
  })
})

describe('lint:style', () => {
  const style = lint('eslint.config.mjs')

  it.each([
    ['any', 'export const x: any = 1', '@typescript-eslint/no-explicit-any'],
    ['a non-null assertion', 'export const x = [1][0]!', '@typescript-eslint/no-non-null-assertion'],
    [
      'to receive messages of windows anywhere else',
      `import { ipcMain } from 'electron'\nipcMain.on('x', () => undefined)`,
      'no-restricted-imports'
    ],
    [
      'to send messages to windows anywhere else',
      `declare const w: any; w.webContents.send('x')`,
      'no-restricted-syntax'
    ],
    [
      'to load onnxruntime anywhere else',
      `import { env } from 'onnxruntime-node'\nexport const x = env`,
      '@typescript-eslint/no-restricted-imports'
    ],
    ['an enum', 'export enum E { A }', 'no-restricted-syntax'],
    ['a default export', 'export default 1', 'no-restricted-syntax'],
    ['a promise that nobody waits for', 'void 0; Promise.resolve(1)', '@typescript-eslint/no-floating-promises'],
    [
      'an import of types as values',
      `import { Graph } from './graph/graph'\nexport type G = Graph`,
      '@typescript-eslint/consistent-type-imports'
    ]
  ])('forbids %s', async (_, code, rule) => {
    // The type-aware rules need a file that the project knows.
    expect(await broken(style, 'src/core/runtime.ts', code)).toContain(rule)
  })
})

describe('lint:style, of messages between processes', () => {
  const style = lint('eslint.config.mjs')

  it.each(['contents.send("x")', 'event.sender.send("x")', 'frame.postMessage("x")'])(
    'forbids %s in main',
    async (code) => {
      const declared = 'declare const contents: any, event: any, frame: any\n'
      expect(await broken(style, 'src/main/index.ts', declared + code)).toContain('no-restricted-syntax')
      expect(await broken(style, 'src/main/channels.ts', declared + code)).not.toContain('no-restricted-syntax')
    }
  )
})

describe('names', () => {
  it('of folders and files say what is inside', () => {
    const empty = new Set(['util', 'utils', 'helper', 'helpers', 'common', 'misc', 'manager'])
    const words = ['src', 'test', 'scripts'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).flatMap((path) => path.split(/[/\\.-]/))
    )
    expect(words.filter((word) => empty.has(word.toLowerCase()))).toEqual([])
  })
})
