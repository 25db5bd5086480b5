import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { JobEvent } from '../../../src/contract/events'
import { makeContext } from '../../../src/engine/job'
import { demo, type DemoResult } from '../../../src/engine/jobs/demo'
import { openRun } from '../../../src/engine/run-folder'
import { bundledModel, temporaryFolder } from '../../cli/run-cli'
import { writeTestPicture } from '../../pictures'

const folder = temporaryFolder()
const samples = join(folder, 'samples')
const iterations = 6

/** Smaller pictures than the demo's own take less time: large enough for its patches of 32×32, and hardly anything. */
const sizes = {
  'allium-oreophilum': 280,
  'airplane-from-above': 272,
  'black-canyon': 290,
  'dust-bowl-home': 280,
  'march-pastoral': 300,
  'acanthus-mollis': 64,
  'french-alpine-landscape': 72,
  'locomotion-house-cat': 80,
  'nagasaki-boats': 88
}

/** The demo as the app does it; it is broken off at the first event that a test points out. */
async function demoUntil(name: string, isEnough: (event: JobEvent) => boolean): Promise<DemoResult> {
  const controller = new AbortController()
  const context = await makeContext((event) => {
    if (isEnough(event)) controller.abort()
  }, controller.signal)
  const places = { pictures: join(folder, `${name} pictures`), run: join(folder, name, 'run') }
  return demo({ model: bundledModel, samples, ...places, continues: true, bits: [2], iterations }, context)
}

/** All files of a run, but for its time of birth and where it lies. */
function filesOf(run: string): ReadonlyMap<string, string> {
  const files = readdirSync(run, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return new Map(
    files
      .map((entry) => join(entry.parentPath, entry.name))
      .toSorted()
      .map((path) => {
        const bytes = readFileSync(path)
        const isText = path.endsWith('.json')
        const text = bytes
          .toString()
          .replace(/"created": "[^"]*"/, '')
          .replaceAll(/"[^"]*(whole|broken)( pictures)?\//g, '"')
        return [relative(run, path), isText ? text : bytes.toString('base64')]
      })
  )
}

describe('a demo that is broken off and gone on with', () => {
  let whole: DemoResult

  beforeAll(async () => {
    for (const [name, size] of Object.entries(sizes))
      await writeTestPicture(join(samples, `${name}.jpg`), size, size + 7)
    whole = await demoUntil('whole', () => false)
  })

  it('ends as if it had not been: after training and after evaluation were broken off', async () => {
    const run = join(folder, 'broken', 'run')
    const training = demoUntil(
      'broken',
      (event) => event.kind === 'loss' && event.method === '2dquant+' && event.iteration === 3
    )
    await expect(training).rejects.toThrow(/Paused 2DQuant\+ at 2 bits after iteration 3 of 6/)
    expect((await openRun(run)).run.state).toBe('paused')

    const evaluation = demoUntil(
      'broken',
      (event) => event.kind === 'progress' && event.phase === 'evaluate' && event.total > 10 && event.done === 9
    )
    await expect(evaluation).rejects.toThrow(/abort/)
    expect((await openRun(run)).run.state).toBe('done')
    expect(existsSync(join(run, 'images'))).toBe(true)
    expect([existsSync(join(run, 'evaluation.json')), existsSync(join(run, 'report.html'))]).toEqual([false, false])

    const told: JobEvent[] = []
    const broken = await demoUntil('broken', (event) => {
      told.push(event)
      return false
    })
    expect(told.some(({ kind }) => kind === 'loss')).toBe(false)
    expect(broken.rows).toEqual(whole.rows)
    const [files, wanted] = [filesOf(run), filesOf(whole.run)]
    expect([...files.keys()]).toEqual([...wanted.keys()])
    for (const [name, contents] of files) expect(contents === wanted.get(name), name).toBe(true)
  })
})
