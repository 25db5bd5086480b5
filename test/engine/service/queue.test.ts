import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi, type MockInstance } from 'vitest'
import type { JobEvent } from '../../../src/contract/events'
import { hasEnded, jobAtWork, queueSchema, type Job, type JobState, type Queue } from '../../../src/contract/jobs'
import { StudioError } from '../../../src/core/errors'
import { JobQueue, type Execute, type Recall } from '../../../src/engine/service/queue'
import { TrainingPaused, type TrainingControl } from '../../../src/engine/training/control'
import { temporaryFolder } from '../../cli/run-cli'

const folder = temporaryFolder()
let number = 0
let file = ''
let complaints: MockInstance<typeof console.error>

beforeEach(() => {
  mkdirSync(join(folder, String(++number)))
  file = join(folder, String(number), 'queue.json')
  complaints = vi.spyOn(console, 'error').mockReturnValue()
})
afterEach(() => {
  complaints.mockRestore()
})

/** A job that was begun, and how the test lets it go on. */
interface Work {
  readonly run: string
  readonly signal: AbortSignal
  readonly control: TrainingControl
  readonly emit: (event: JobEvent) => void
  readonly finish: () => void
  readonly fail: (error: Error) => void
}

const nothingTold = (): Promise<readonly JobEvent[]> => Promise.resolve([])

/** A queue whose jobs do what the test says; they heed an abort as training does. */
async function openQueue(
  recall: Recall = nothingTold
): Promise<{ readonly queue: JobQueue; readonly begun: readonly Work[] }> {
  const begun: Work[] = []
  const execute: Execute = (job, emit, signal, control) => {
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        reject(error)
      }
      const heed = (): void => {
        fail(new TrainingPaused('Paused after iteration 7.'))
      }
      if (signal.aborted) heed()
      signal.addEventListener('abort', heed)
      begun.push({ run: job.run, signal, control, emit, finish: resolve, fail })
    })
  }
  return { queue: await JobQueue.open(file, execute, recall), begun }
}

const request = { kind: 'demo' } as const
const states = (queue: JobQueue): readonly string[] => queue.feed.state.jobs.map(({ run, state }) => `${run} ${state}`)
const saved = (): Queue => queueSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
const write = (jobs: readonly (readonly [run: string, state: JobState])[], held = false): void => {
  const list = jobs.map(([run, state]): Job => ({
    id: `id ${run}`,
    request,
    run,
    state,
    created: '2026-01-01T00:00:00Z'
  }))
  writeFileSync(file, JSON.stringify({ jobs: list, held }))
}
/** Waits until an expectation holds. */
const soon = (expectation: () => void): Promise<void> => vi.waitFor(expectation, { timeout: 5000, interval: 2 })
/** Lets what was asked for be done, and waits until so many jobs were begun. */
const untilBegun = (begun: readonly Work[], count: number): Promise<void> =>
  soon(() => {
    expect(begun).toHaveLength(count)
  })
const until = (queue: JobQueue, ...wanted: readonly string[]): Promise<void> =>
  soon(() => {
    expect(states(queue)).toEqual(wanted)
  })
const untilSaved = (queue: JobQueue): Promise<void> =>
  soon(() => {
    expect(saved()).toEqual(queue.feed.state)
  })
const last = (begun: readonly Work[]): Work => {
  const work = begun.at(-1)
  if (work === undefined) throw new Error('nothing was begun')
  return work
}
/** Asks as windows do: not in the middle of a change, but soon after. */
const later = <T>(ask: () => Promise<T>): Promise<T> => Promise.resolve().then(ask)
const progress = (phase: 'statistics' | 'distillation' | 'evaluate'): JobEvent => {
  return { kind: 'progress', phase, done: 1, total: 9, unit: 'x' }
}

describe('jobs', () => {
  it('are done one after the other, in the order they were asked for', async () => {
    const { queue, begun } = await openQueue()
    for (const run of ['a', 'b', 'c']) await queue.add(request, run)
    await until(queue, 'a running', 'b waiting', 'c waiting')
    for (const count of [1, 2, 3]) {
      await untilBegun(begun, count)
      last(begun).finish()
    }
    await until(queue, 'a done', 'b done', 'c done')
    expect(begun.map(({ run }) => run)).toEqual(['a', 'b', 'c'])
    await untilSaved(queue)
  })

  it('are on disk before they are begun', async () => {
    let onDisk: Queue | undefined
    const queue = await JobQueue.open(
      file,
      () => {
        onDisk = saved()
        return Promise.resolve()
      },
      nothingTold
    )
    await queue.add(request, 'a')
    await until(queue, 'a done')
    expect(onDisk?.jobs.map(({ state }) => state)).toEqual(['running'])
  })

  it('that fail say why, and the next one is begun', async () => {
    const { queue, begun } = await openQueue()
    for (const run of ['a', 'b', 'c']) await queue.add(request, run)
    await untilBegun(begun, 1)
    last(begun).fail(new StudioError('missing', 'There is no "a.pth".'))
    await untilBegun(begun, 2)
    last(begun).fail(new TypeError('x is undefined'))
    await until(queue, 'a failed', 'b failed', 'c running')
    await untilSaved(queue)
    expect(saved().jobs.map(({ failure }) => failure?.code)).toEqual(['missing', 'failed', undefined])
    expect(queue.feed.state.jobs[0]?.failure).toEqual({ code: 'missing', message: 'There is no "a.pth".' })
    expect(queue.feed.state.jobs[1]?.failure?.message).toContain('x is undefined')
  })

  it('of one run do not stand in the queue twice, but again once they ended', async () => {
    const { queue, begun } = await openQueue()
    await queue.add(request, 'a')
    await expect(queue.add(request, 'a')).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('"a"') as string
    })
    await untilBegun(begun, 1)
    await expect(queue.add(request, 'a')).rejects.toMatchObject({ code: 'refused' })
    last(begun).finish()
    await until(queue, 'a done')
    await queue.add(request, 'a')
    await until(queue, 'a done', 'a running')
  })

  it('of one run asked for at the same time are one', async () => {
    const { queue } = await openQueue()
    const added = await Promise.allSettled([queue.add(request, 'a'), queue.add(request, 'a')])
    expect(added.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    expect(queue.feed.state.jobs).toHaveLength(1)
  })

  it('that wait can be moved, and those alone', async () => {
    const { queue } = await openQueue()
    const ids: string[] = []
    for (const run of ['a', 'b', 'c', 'd']) ids.push(await queue.add(request, run))
    const [a = '', b = '', , d = ''] = ids
    await queue.move(d, 0)
    await until(queue, 'a running', 'd waiting', 'b waiting', 'c waiting')
    await queue.move(b, 99)
    await until(queue, 'a running', 'd waiting', 'c waiting', 'b waiting')
    await expect(queue.move(a, 1)).rejects.toMatchObject({ code: 'refused' })
    await expect(queue.move('x', 1)).rejects.toMatchObject({ code: 'missing' })
    expect(saved()).toEqual(queue.feed.state)
  })

  it('can be taken out unless they are at work', async () => {
    const { queue, begun } = await openQueue()
    const [a, b] = [await queue.add(request, 'a'), await queue.add(request, 'b')]
    await expect(queue.remove(a)).rejects.toMatchObject({ code: 'refused' })
    await queue.remove(b)
    await expect(queue.remove(b)).rejects.toMatchObject({ code: 'missing' })
    expect(() => queue.view(b)).toThrow(StudioError)
    await untilBegun(begun, 1)
    last(begun).finish()
    await until(queue, 'a done')
    await queue.remove(a)
    expect(saved().jobs).toEqual([])
  })

  it('that ended are kept twenty, the latest, and what older ones told is forgotten', async () => {
    const { queue, begun } = await openQueue()
    const ids: string[] = []
    for (let n = 1; n <= 25; n++) {
      ids.push(await queue.add(request, `run ${n}`))
      await untilBegun(begun, n)
      last(begun).emit({ kind: 'log', level: 'info', message: `told by ${n}` })
      last(begun).finish()
      await soon(() => {
        expect(queue.feed.state.jobs.every(hasEnded)).toBe(true)
      })
    }
    expect(queue.feed.state.jobs.map(({ id }) => id)).toEqual(ids.slice(5))
    expect(() => queue.view(ids[4] ?? '')).toThrow(/no such job/)
    expect(queue.view(ids[5] ?? '').state.messages).toEqual([{ level: 'info', message: 'told by 6' }])
  })
})

describe('a job at work', () => {
  const begin = async (
    ...more: readonly string[]
  ): Promise<{ readonly queue: JobQueue; readonly begun: readonly Work[]; readonly id: string }> => {
    const { queue, begun } = await openQueue()
    const id = await queue.add(request, 'a')
    for (const run of more) await queue.add(request, run)
    await untilBegun(begun, 1)
    return { queue, begun, id }
  }

  it('is paused and goes on in its place', async () => {
    const { queue, begun, id } = await begin('b')
    await queue.pause(id)
    expect([last(begun).control.isPaused, states(queue)]).toEqual([true, ['a paused', 'b waiting']])
    expect(jobAtWork(queue.feed.state)?.id).toBe(id)
    await queue.resume(id)
    expect([last(begun).control.isPaused, states(queue)]).toEqual([false, ['a running', 'b waiting']])
    expect(begun).toHaveLength(1)
  })

  it('is stopped, also while it is paused, and then not paused any more', async () => {
    const { queue, begun, id } = await begin()
    await queue.pause(id)
    await queue.stop(id)
    await queue.pause(id)
    expect([last(begun).control.isStopped, states(queue)]).toEqual([true, ['a running']])
    last(begun).finish()
    await until(queue, 'a done')
  })

  it('is cancelled, and the next one is begun', async () => {
    const { queue, begun, id } = await begin('b')
    await queue.cancel(id)
    expect(states(queue)).toEqual(['a cancelled', 'b running'])
    expect(begun[0]?.signal.aborted).toBe(true)
    await expect(queue.cancel(id)).rejects.toMatchObject({ code: 'refused' })
  })

  it('is cancelled while it is paused', async () => {
    const { queue, id } = await begin()
    await queue.pause(id)
    await queue.cancel(id)
    expect(states(queue)).toEqual(['a cancelled'])
  })

  it('that is done in spite of being cancelled is done', async () => {
    let isBegun = false
    const queue = await JobQueue.open(
      file,
      (_job, _emit, signal) => {
        isBegun = true
        return new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            resolve()
          })
        })
      },
      nothingTold
    )
    const id = await queue.add(request, 'a')
    await soon(() => {
      expect(isBegun).toBe(true)
    })
    await queue.cancel(id)
    expect(states(queue)).toEqual(['a done'])
  })

  it.each(['pause', 'stop', 'resume', 'cancel', 'remove'] as const)(
    'that has just ended stays ended, whatever is asked: %s',
    async (asked) => {
      const { queue, begun, id } = await begin('b')
      let answer: Promise<unknown> = Promise.resolve()
      const unlisten = queue.feed.listen(({ jobs }) => {
        if (jobs[0]?.state !== 'done') return
        unlisten()
        // Its end is being brought to disk now.
        answer = later(() => queue[asked](id)).then(
          () => 'done',
          (error: unknown) => (error as StudioError).code
        )
      })
      last(begun).finish()
      await untilBegun(begun, 2)
      expect(await answer).toBe(asked === 'remove' ? 'done' : 'refused')
      expect(states(queue)).toEqual(asked === 'remove' ? ['b running'] : ['a done', 'b running'])
      await untilSaved(queue)
    }
  )

  it('that is cancelled while its begin is brought to disk is not begun', async () => {
    const { queue, begun } = await openQueue()
    let cancelled: Promise<void> = Promise.resolve()
    const unlisten = queue.feed.listen(({ jobs: [job] }) => {
      if (job?.state !== 'running') return
      unlisten()
      cancelled = later(() => queue.cancel(job.id))
    })
    await queue.add(request, 'a')
    await cancelled
    expect([begun, states(queue)]).toEqual([[], ['a cancelled']])
  })

  it('is not disturbed when the queue is released', async () => {
    const { queue, begun } = await begin('b')
    await queue.release()
    await queue.release()
    expect([begun.length, states(queue)]).toEqual([1, ['a running', 'b waiting']])
  })

  it('is all that can be paused and stopped', async () => {
    const { queue, begun } = await begin()
    const b = await queue.add(request, 'b')
    for (const asked of [queue.pause(b), queue.stop(b), queue.resume(b)]) {
      await expect(asked).rejects.toMatchObject({ code: 'refused' })
    }
    await queue.cancel(b)
    last(begun).finish()
    await until(queue, 'b cancelled', 'a done')
  })
})

describe('a queue that is opened anew', () => {
  it('finds what was at work interrupted, and begins nothing until it is told to', async () => {
    write([['a', 'done'], ['b', 'running'], ['c', 'waiting'], ['d', 'waiting']]) // prettier-ignore
    const { queue, begun } = await openQueue()
    expect([states(queue), queue.feed.state.held]).toEqual([
      ['a done', 'b interrupted', 'c waiting', 'd waiting'],
      true
    ])
    await queue.add(request, 'e')
    await queue.move('id d', 0)
    expect(begun).toEqual([])
    await queue.resume('id b')
    await until(queue, 'a done', 'b running', 'd waiting', 'c waiting', 'e waiting')
    await untilBegun(begun, 1)
    expect(queue.feed.state.held).toBe(false)
  })

  it('goes on without what was paused where it is released', async () => {
    write([['a', 'paused'], ['b', 'waiting']]) // prettier-ignore
    const { queue, begun } = await openQueue()
    expect([queue.feed.state.held, begun]).toEqual([true, []])
    await expect(queue.stop('id a')).rejects.toMatchObject({ code: 'refused' })
    await expect(queue.pause('id a')).rejects.toMatchObject({ code: 'refused' })
    await queue.release()
    await until(queue, 'a paused', 'b running')
    expect(jobAtWork(queue.feed.state)?.run).toBe('b')
    await untilBegun(begun, 1)
    // It goes on next, before others that wait.
    await queue.add(request, 'c')
    await queue.resume('id a')
    expect(states(queue)).toEqual(['b running', 'a waiting', 'c waiting'])
    await expect(queue.resume('id a')).rejects.toMatchObject({ code: 'refused' })
    last(begun).finish()
    await until(queue, 'b done', 'a running', 'c waiting')
  })

  it('shows again what was told before, once', async () => {
    write([['a', 'interrupted'], ['b', 'paused'], ['c', 'waiting'], ['d', 'done']]) // prettier-ignore
    const asked: string[] = []
    const { queue, begun } = await openQueue((run) => {
      asked.push(run)
      if (run === 'b') return Promise.reject(new Error('no way to read it'))
      return Promise.resolve([{ kind: 'log', level: 'info', message: `told by ${run}` }])
    })
    const messages = (run: string): readonly string[] =>
      queue.view(`id ${run}`).state.messages.map(({ message }) => message)
    expect([asked, messages('a'), messages('b'), messages('c')]).toEqual([['a', 'b'], ['told by a'], [], []])
    expect(complaints.mock.calls[0]?.[0]).toMatch(/"b".*no way to read it/)
    await queue.resume('id a')
    await untilBegun(begun, 1)
    last(begun).emit({ kind: 'log', level: 'info', message: 'and more' })
    expect(messages('a')).toEqual(['told by a', 'and more'])
    // One that waits may go on with a run that was broken off, too.
    last(begun).finish()
    await untilBegun(begun, 2)
    expect([last(begun).run, messages('c')]).toEqual(['c', ['told by c']])
  })

  it.each(['cancel', 'remove'] as const)('goes on once nothing is left to decide: %s', async (asked) => {
    write([['a', 'interrupted'], ['b', 'paused'], ['c', 'waiting']]) // prettier-ignore
    const { queue, begun } = await openQueue()
    await queue[asked]('id a')
    expect([queue.feed.state.held, begun]).toEqual([true, []])
    await queue[asked]('id b')
    await untilBegun(begun, 1)
    expect([queue.feed.state.held, last(begun).run]).toEqual([false, 'c'])
  })

  it('begins what waits where nothing was broken off', async () => {
    write([['a', 'done'], ['b', 'waiting']]) // prettier-ignore
    const { begun } = await openQueue()
    await untilBegun(begun, 1)
    expect(last(begun).run).toBe('b')
  })

  it.each([
    ['cut', '{"jobs":[{"id":"x"'],
    ['empty', ''],
    ['of another make', '{"jobs":[{"id":"x","state":"flying"}],"held":false}']
  ])('puts a file aside that is %s', async (_, contents) => {
    writeFileSync(file, contents)
    const { queue } = await openQueue()
    expect(queue.feed.state).toEqual({ jobs: [], held: false, atWork: null })
    expect(readFileSync(`${file}.damaged`, 'utf8')).toBe(contents)
    expect(complaints).toHaveBeenCalledTimes(1)
    await queue.add(request, 'a')
    expect(saved().jobs).toHaveLength(1)
  })

  it('puts aside what is no file', async () => {
    mkdirSync(file)
    const { queue } = await openQueue()
    await queue.add(request, 'a')
    expect(saved().jobs).toHaveLength(1)
    expect(existsSync(`${file}.damaged`)).toBe(true)
  })
})

describe('a disk that cannot be written', () => {
  it('does not keep jobs from being done', async () => {
    const { queue, begun } = await openQueue()
    rmSync(join(file, '..'), { recursive: true })
    writeFileSync(join(file, '..'), 'a file in place of the folder')
    const id = await queue.add(request, 'a')
    await untilBegun(begun, 1)
    await queue.pause(id)
    await queue.resume(id)
    last(begun).finish()
    await until(queue, 'a done')
    expect(complaints.mock.calls[0]?.[0]).toMatch(/queue could not be saved.*part of the path is a file/)
    rmSync(join(file, '..'))
    mkdirSync(join(file, '..'))
    await queue.add(request, 'b')
    expect(saved().jobs.map(({ run }) => run)).toEqual(['a', 'b'])
  })
})

describe('when the program ends', () => {
  const begin = async (): Promise<Awaited<ReturnType<typeof openQueue>> & { readonly id: string }> => {
    const opened = await openQueue()
    const id = await opened.queue.add(request, 'a')
    await opened.queue.add(request, 'b')
    await untilBegun(opened.begun, 1)
    return { ...opened, id }
  }
  const reopened = async (): Promise<readonly string[]> => states((await openQueue()).queue)

  it('what is at work is paused, and nothing more is begun', async () => {
    const { queue, begun } = await begin()
    await queue.settle('pause')
    expect(begun).toHaveLength(1)
    expect(saved().jobs.map(({ state }) => state)).toEqual(['paused', 'waiting'])
    expect(await reopened()).toEqual(['a paused', 'b waiting'])
  })

  it('what was paused stays paused', async () => {
    const { queue, id } = await begin()
    await queue.pause(id)
    await queue.settle('pause')
    expect(await reopened()).toEqual(['a paused', 'b waiting'])
  })

  it('training that is to stop keeps what is best, and is done where nothing comes after it', async () => {
    const { queue, begun } = await begin()
    last(begun).emit(progress('distillation'))
    const settled = queue.settle('stop')
    expect([last(begun).control.isStopped, last(begun).signal.aborted]).toEqual([true, false])
    last(begun).finish()
    await settled
    expect(await reopened()).toEqual(['a done', 'b running'])
  })

  it('what would come after such a training is left for later', async () => {
    const { queue, begun, id } = await begin()
    last(begun).emit(progress('distillation'))
    await queue.pause(id)
    const settled = queue.settle('stop')
    last(begun).emit(progress('distillation'))
    expect(last(begun).signal.aborted).toBe(false)
    last(begun).emit(progress('evaluate'))
    await settled
    expect(saved().jobs.map(({ state }) => state)).toEqual(['paused', 'waiting'])
  })

  it('work that does not train and is to stop is cancelled', async () => {
    const { queue, begun } = await begin()
    last(begun).emit(progress('statistics'))
    await queue.settle('stop')
    expect(saved().jobs.map(({ state }) => state)).toEqual(['cancelled', 'waiting'])
  })

  it('a job that is just being begun is found paused', async () => {
    const { queue, begun } = await openQueue()
    let settled: Promise<void> = Promise.resolve()
    const unlisten = queue.feed.listen(({ jobs: [job] }) => {
      if (job?.state !== 'running') return
      unlisten()
      settled = later(() => queue.settle('pause'))
    })
    await queue.add(request, 'a')
    await settled
    expect([begun, saved().jobs.map(({ state }) => state)]).toEqual([[], ['paused']])
  })

  it('a queue without work is settled, and what is asked for then waits', async () => {
    const { queue, begun } = await openQueue()
    await queue.settle('stop')
    await queue.add(request, 'a')
    await queue.release()
    expect([begun, saved().jobs.map(({ state }) => state)]).toEqual([[], ['waiting']])
  })

  it('the last change is on disk', async () => {
    const { queue, begun } = await openQueue()
    for (const run of ['a', 'b', 'c', 'd']) void queue.add(request, run)
    await queue.settle('pause')
    expect(saved()).toEqual(queue.feed.state)
    expect(begun).toEqual([])
    expect(saved().jobs.map(({ run }) => run)).toEqual(['a', 'b', 'c', 'd'])
  })
})
