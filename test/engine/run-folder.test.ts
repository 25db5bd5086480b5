import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { histogramOf } from '../../src/core/calibration/histogram'
import {
  expectFreeFolder,
  openRun,
  readStatistics,
  settingsDigest,
  withDiskErrors,
  writeRun
} from '../../src/engine/run-folder'
import { temporaryFolder } from '../cli/run-cli'

const folder = temporaryFolder()
const digest = '0'.repeat(64)

const contents: Parameters<typeof writeRun>[1] = {
  run: {
    schema: 1,
    appVersion: '0.0.0',
    state: 'done',
    created: '2026-01-01T00:00:00.000Z',
    model: { file: 'm.pth', sha256: digest, architecture: 'SwinIR', scale: 4, imageRange: null, residualScale: null },
    calibration: { folder: 'c', kind: 'hr', sha256: digest, pictures: 1 },
    settings: {
      bits: [{ weight: 4, activation: 8 }],
      methods: ['dobi'],
      percentile: 99.9,
      search: 'by-shape',
      searchSteps: 100,
      zeroPoint: 'float',
      patches: 1,
      patchSize: 16,
      seed: 0,
      quantizeFirstAndLast: false,
      plan: null,
      distillation: null
    },
    settingsSha256: digest,
    runtime: { name: 'onnxruntime', version: '1', device: 'cpu' }
  },
  bounds: {
    schema: 1,
    model: { file: 'm.pth', sha256: digest },
    variants: [
      {
        method: 'dobi',
        bits: { weight: 4, activation: 8 },
        quantizers: [{ name: 'a.weight', kind: 'weight', bits: 4, lower: -1, upper: 1, search: 'two-sided' }]
      }
    ]
  },
  statistics: new Map([
    ['a.weight', histogramOf(Float32Array.from({ length: 500 }, (_, i) => Math.sin(i) ** 3))],
    ['constant', histogramOf(new Float32Array(4).fill(0.25))]
  ]),
  events: [{ kind: 'log', level: 'info', message: 'eins\nzwei 图' }]
}

describe('a run folder', () => {
  it('gives back what was written', async () => {
    const path = join(folder, 'whole')
    await expectFreeFolder(path)
    await writeRun(path, contents)
    const { run, bounds } = await openRun(path)
    expect({ run, bounds }).toEqual({ run: contents.run, bounds: contents.bounds })
    expect(await readStatistics(path)).toEqual(contents.statistics)
    const [line, rest] = readFileSync(join(path, 'events.jsonl'), 'utf8').split('\n')
    expect([JSON.parse(line ?? ''), rest]).toEqual([contents.events[0], ''])
  })

  it('of before there was a choice of zero points has float ones, and settings that are known as the same', async () => {
    const path = join(folder, 'of before')
    const { zeroPoint, ...settings } = contents.run.settings
    const told = createHash('sha256').update(JSON.stringify(settings)).digest('hex')
    await writeRun(path, contents)
    const run = { ...contents.run, settings, settingsSha256: told }
    writeFileSync(join(path, 'run.json'), JSON.stringify(run))
    const opened = await openRun(path)
    expect(opened.run.settings.zeroPoint).toBe(zeroPoint)
    expect(settingsDigest(opened.run.settings)).toBe(told)
    expect(settingsDigest({ ...opened.run.settings, zeroPoint: 'integer' })).not.toBe(told)
  })

  it('never appears in part', async () => {
    const path = join(folder, 'partial')
    const broken = {
      ...contents,
      get events(): never {
        throw new Error('pulled plug')
      }
    }
    await expect(writeRun(path, broken)).rejects.toThrow('pulled plug')
    expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([])
  })

  it('is not written over another', async () => {
    const path = join(folder, 'other')
    mkdirSync(path)
    await expect(expectFreeFolder(path)).rejects.toMatchObject({ code: 'refused' })
  })

  it.each([
    ['run.json', '{', /is damaged/],
    ['bounds.json', '{"schema":2}', /at schema/],
    ['run.json', '{"schema":1,"model":[]}', /not as it should be/]
  ])('with a damaged %s is refused', async (name, content, says) => {
    const path = join(folder, `damaged ${says.source.length}`)
    await writeRun(path, contents)
    writeFileSync(join(path, name), content)
    await expect(openRun(path)).rejects.toThrow(says)
  })

  it('with damaged statistics is refused', async () => {
    const path = join(folder, 'cut')
    await writeRun(path, contents)
    truncateSync(join(path, 'statistics.bin'), 100)
    await expect(readStatistics(path)).rejects.toMatchObject({ code: 'unreadable' })
  })
})

describe('trouble with the disk', () => {
  it.each([
    ['ENOSPC', 'the disk is full'],
    ['EROFS', 'the disk is read-only'],
    ['EACCES', 'writing is not permitted there']
  ])('%s is one sentence', async (code, reason) => {
    const write = (): Promise<never> => Promise.reject(Object.assign(new Error('no'), { code }))
    await expect(withDiskErrors('runs/x', write)).rejects.toThrow(`"runs/x" could not be written: ${reason}; choose`)
  })

  it('that is no trouble with the disk stays what it is', async () => {
    const bug = new TypeError('x is undefined')
    await expect(withDiskErrors('runs/x', () => Promise.reject(bug))).rejects.toBe(bug)
  })
})
