import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, test, type Browser, type Page } from '@playwright/test'
import { median } from '../figure'
import { framesOf, percentWithin } from './frames'
import { tell } from './tell'

/** Starts that are measured of each program, after one that is not. */
const rounds = 7

/** Seconds over which frames are watched while the engine trains. */
const watched = 15

/** A program that was started, and the page in its window. */
interface Started {
  readonly page: Page
  /** Milliseconds from the start of its process until the first text was drawn. */
  readonly milliseconds: number
  end(): Promise<void>
}

/** Starts a program as a user does, without a debugger that would hold it back, and looks at it afterwards. */
async function start(executable: string, data: string, args: readonly string[]): Promise<Started> {
  const began = Date.now()
  const program = spawn(executable, [...args, `--user-data-dir=${data}`, '--remote-debugging-port=0'], {
    stdio: ['ignore', 'ignore', 'pipe']
  })
  const browser = await chromium.connectOverCDP(await debuggerOf(program))
  const page = await pageOf(browser)
  const drawn = await page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        new PerformanceObserver((list) => {
          const paint = list.getEntriesByName('first-contentful-paint')[0]
          if (paint !== undefined) resolve(performance.timeOrigin + paint.startTime)
        }).observe({ type: 'paint', buffered: true })
      })
  )
  return {
    page,
    milliseconds: drawn - began,
    end: async () => {
      await browser.close()
      const ended = once(program, 'exit')
      program.kill('SIGTERM')
      await ended
    }
  }
}

/** Where a program's debugger listens, as it says itself. */
function debuggerOf(program: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    program.stderr?.on('data', (part: Buffer) => {
      said += part.toString()
      const [, address] = /DevTools listening on (ws:\S+)/.exec(said) ?? []
      if (address !== undefined) resolve(address)
    })
    program.once('exit', () => {
      reject(new Error(`The program ended: ${said}`))
    })
  })
}

async function pageOf(browser: Browser): Promise<Page> {
  for (;;) {
    const page = browser.contexts().flatMap((context) => context.pages())[0]
    if (page !== undefined) return page
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

test('the first page, and frames while the engine trains', async () => {
  const electron = createRequire(import.meta.url)('electron') as unknown as string
  const packaged = process.env['STUDIO_EXECUTABLE'] ?? ''
  const data = mkdtempSync(join(tmpdir(), 'studio-bench-'))
  const programs = {
    empty: () => start(electron, join(data, 'empty'), [join(import.meta.dirname, 'empty')]),
    studio: () => start(packaged, join(data, 'studio'), [])
  }
  const times = { empty: [] as number[], studio: [] as number[] }
  for (let round = 0; round <= rounds; round++) {
    for (const name of ['empty', 'studio'] as const) {
      const started = await programs[name]()
      if (round > 0) times[name].push(started.milliseconds)
      await started.end()
    }
  }
  tell({ name: 'ms until an empty window is drawn', value: median(times.empty) })
  tell({ name: 'ms until the app’s first page is drawn', value: median(times.studio) })
  tell({ name: 'app / empty window', value: median(times.studio) / median(times.empty), atMost: 2 })

  const { page, end } = await programs.studio()
  await page.getByRole('button', { name: 'Try the demo' }).click()
  await page
    .getByTestId('progress')
    .filter({ hasText: /\d+ of \d+ iterations/ })
    .waitFor({ timeout: 120_000 })
  const frames = await framesOf(page, watched)
  tell({
    name: '% of frames within 50 ms while both cores train',
    value: percentWithin(frames, 50),
    atLeast: 95
  })
  tell({ name: 'frames per second meanwhile', value: frames.length / watched })
  // Asked to end while it works, it may ask back.
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.getByText('This run was cancelled.').waitFor()
  await end()
  rmSync(data, { recursive: true, force: true, maxRetries: 20 })
})
