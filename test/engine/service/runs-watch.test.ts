import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { RunsWatch } from '../../../src/engine/service/runs-watch'
import { temporaryFolder } from '../../cli/run-cli'

const folder = temporaryFolder()
let number = 0
let runs = ''
let told = 0
let watch: RunsWatch

const open = (): void => {
  watch = new RunsWatch(runs, () => told++)
}
const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Waits for the next word, which must come within the time that a person would wait. */
async function heard(change: () => void): Promise<void> {
  const before = told
  change()
  await vi.waitFor(
    () => {
      expect(told).toBeGreaterThan(before)
    },
    { timeout: 5000, interval: 10 }
  )
  // What else the same change leads to.
  await pause(500)
}

beforeEach(() => {
  runs = join(folder, String(++number), 'runs')
  told = 0
})
afterEach(() => {
  watch.close()
})

it('a run that appears is told, and so are files in it that tell of it', async () => {
  mkdirSync(runs, { recursive: true })
  open()
  await heard(() => {
    mkdirSync(join(runs, '.one.partial-1'))
    writeFileSync(join(runs, '.one.partial-1', 'run.json'), '{}')
    renameSync(join(runs, '.one.partial-1'), join(runs, 'one'))
  })
  for (const name of ['run.json', 'evaluation.json', 'bounds.json', 'report.html']) {
    await heard(() => {
      writeFileSync(join(runs, 'one', `${name}.partial-1`), '{}')
      renameSync(join(runs, 'one', `${name}.partial-1`), join(runs, 'one', name))
    })
  }
  await heard(() => {
    rmSync(join(runs, 'one'), { recursive: true })
  })
})

it('many changes are one, and what training writes is none', async () => {
  mkdirSync(join(runs, 'one'), { recursive: true })
  open()
  await heard(() => {
    for (let i = 0; i < 20; i++) writeFileSync(join(runs, 'one', 'run.json'), String(i))
  })
  expect(told).toBe(1)
  for (const name of ['events.jsonl', 'checkpoint.bin', 'lock']) writeFileSync(join(runs, 'one', name), 'x')
  await pause(700)
  expect(told).toBe(1)
})

it('a folder that is not there yet, is removed and comes again is followed', async () => {
  open()
  await heard(() => {
    mkdirSync(join(runs, 'one'), { recursive: true })
  })
  await heard(() => {
    writeFileSync(join(runs, 'one', 'run.json'), '{}')
  })
  await heard(() => {
    rmSync(runs, { recursive: true })
  })
  await heard(() => {
    mkdirSync(join(runs, 'two'), { recursive: true })
  })
  await heard(() => {
    writeFileSync(join(runs, 'two', 'run.json'), '{}')
  })
}, 30_000)

it('another folder is watched once it is said, and nothing is after the end', async () => {
  mkdirSync(join(runs, 'one'), { recursive: true })
  open()
  const other = join(runs, '..', 'other')
  mkdirSync(join(other, 'two'), { recursive: true })
  watch.follow(other)
  writeFileSync(join(runs, 'one', 'run.json'), '{}')
  await pause(700)
  expect(told).toBe(0)
  await heard(() => {
    writeFileSync(join(other, 'two', 'run.json'), '{}')
  })
  watch.close()
  const before = told
  writeFileSync(join(other, 'two', 'run.json'), '{ }')
  await pause(700)
  expect(told).toBe(before)
})
