import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { documentAt, documentIn } from '../../src/main/documents'
import { temporaryFolder } from '../cli/run-cli'

const folder = temporaryFolder()
const run = join(folder, '运行 1')
const model = join(folder, 'Model.PTH')
mkdirSync(run)
writeFileSync(join(run, 'run.json'), '{}')
writeFileSync(model, '')
writeFileSync(join(folder, 'notes.txt'), '')

describe('a document', () => {
  it.each([
    ['a model, whatever the case of its ending', model, { kind: 'model', path: model }],
    ['a run folder', run, { kind: 'run', path: run }],
    ['the file of a run folder', join(run, 'run.json'), { kind: 'run', path: run }],
    ['no other file', join(folder, 'notes.txt'), null],
    ['no other folder', folder, null],
    ['nothing that is not there', join(folder, 'gone.pth'), null]
  ])('is %s', (_, path, expected) => {
    expect(documentAt(path)).toEqual(expected)
  })

  it('is taken from a command line, relative to where that was typed', () => {
    expect(documentIn(['app', '.', '--flag', 'Model.PTH'], folder)).toEqual({ kind: 'model', path: model })
    expect(documentIn(['app', pathToFileURL(run).href], '/')).toEqual({ kind: 'run', path: run })
    expect(documentIn(['app', '--user-data-dir=Model.PTH', 'notes.txt'], folder)).toBeNull()
    expect(documentIn([model], folder)).toBeNull()
  })
})
