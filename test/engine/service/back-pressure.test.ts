import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { topicReducers } from '../../../src/contract/engine'
import type { JobEvent } from '../../../src/contract/events'
import { emptyJobView, type JobView } from '../../../src/contract/job-view'
import { Feed } from '../../../src/engine/service/feed'
import { serve } from '../../../src/engine/service/server'
import { EngineClient } from '../../../src/renderer/engine/client'
import { pairedPorts } from './paired-ports'

/** A job that is followed by a window; messages, time and the window's frames go on as a test says. */
class Followed {
  readonly feed = new Feed<JobView, JobEvent>(emptyJobView, topicReducers.job)
  readonly ports = pairedPorts()
  readonly seen: JobView[] = []
  readonly #frames: (() => void)[] = []

  constructor() {
    serve(this.ports.server, {
      call: () => Promise.reject(new Error('nothing is called')),
      feed: () => this.feed as Feed<unknown, unknown>
    })
    const client = new EngineClient((then) => this.#frames.push(then))
    client.connect(this.ports.client)
    client.follow('job', 'x', (state) => this.seen.push(state))
  }

  get framesHeld(): number {
    return this.#frames.length
  }

  showFrame(): void {
    for (const then of this.#frames.splice(0)) then()
  }

  /** Hands over what is on its way; whether there was anything. */
  deliver(): boolean {
    const [toServer, toClient] = [this.ports.server.deliver(), this.ports.client.deliver()]
    return toServer || toClient
  }

  /** Lets everything go on until nothing does. */
  settle(): void {
    for (let quiet = 0; quiet < 3;) {
      const goesOn = this.deliver() || this.framesHeld > 0 || vi.getTimerCount() > 0
      this.showFrame()
      vi.advanceTimersByTime(60)
      quiet = goesOn ? 0 : quiet + 1
    }
  }
}

const key = { method: '2dquant', bits: { weight: 2, activation: 2 } } as const

/** The nth event of a long job. Of its state it can be told how many events there were: the learning rate counts them. */
function eventOf(n: number): JobEvent {
  return { kind: 'loss', ...key, iteration: n, output: 1 / n, feature: 1 / (n + 1), learningRate: n }
}

function mixedEventOf(n: number): JobEvent {
  switch (n % 100) {
    case 10:
    case 60:
      return { kind: 'progress', phase: 'distillation', done: n, total: 100_000, unit: 'iterations' }
    case 20:
      return { kind: 'log', level: 'warning', message: `message ${n}` }
    case 30:
      return { kind: 'pace', iterationsPerSecond: n, secondsLeft: 100_000 - n, memoryBytes: n }
    case 40: {
      const told = { psnr: n, psnrAgainstHr: null, featureShare: 0.5, preview: `previews/${n}.png` }
      // As often as training is validated, whatever its length.
      return n % 5000 === 40 ? { kind: 'validation', ...key, iteration: n, ...told } : eventOf(n)
    }
    default:
      return eventOf(n)
  }
}

const howMany = (view: JobView | undefined): number => view?.trainings[0]?.learningRate ?? 0

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a window that shows nothing while 100,000 events come', () => {
  it('is right at the end, and little was kept and sent for it', () => {
    const job = new Followed()
    while (job.deliver()) vi.advanceTimersByTime(60)
    expect(job.seen).toEqual([emptyJobView])
    let mostInFlight = 0
    for (let n = 1; n <= 100_000; n++) {
      job.feed.publish(mixedEventOf(n))
      vi.advanceTimersByTime(1)
      mostInFlight = Math.max(mostInFlight, job.ports.client.arriving.length)
    }
    // The state it has not shown yet is all that was sent.
    expect([job.ports.server.posted, mostInFlight, job.framesHeld]).toEqual([1, 0, 1])

    job.settle()
    expect(job.seen.at(-1)).toEqual(job.feed.state)
    expect(howMany(job.seen.at(-1))).toBe(100_000)
    expect(job.ports.server.posted).toBe(2)
    expect(job.ports.client.posted).toBeLessThanOrEqual(3)
    // Three curves of fewer than 2000 points, each of four numbers.
    expect(JSON.stringify(job.feed.state).length).toBeLessThan(400_000)
  })

  it('is sent at most 256 changes at once, and the whole state where there are more', () => {
    const lengths = [1, 256, 257, 5000].map((count) => {
      const job = new Followed()
      job.settle()
      // The window shows nothing from here on: a first change is on its way already.
      job.feed.publish(eventOf(1))
      vi.advanceTimersByTime(60)
      job.deliver()
      for (let n = 2; n < count + 2; n++) job.feed.publish(eventOf(n))
      job.showFrame()
      job.ports.server.deliver()
      vi.advanceTimersByTime(60)
      const [message] = job.ports.client.arriving as [{ kind: string; changes?: readonly unknown[] }]
      job.settle()
      expect(job.seen.at(-1)).toEqual(job.feed.state)
      return [message.kind, message.changes?.length]
    })
    expect(lengths).toEqual([
      ['changes', 1],
      ['changes', 256],
      ['state', undefined],
      ['state', undefined]
    ])
  })

  it('is not told of more often than twenty times a second', () => {
    const job = new Followed()
    job.settle()
    const before = job.ports.server.posted
    for (let millisecond = 0; millisecond < 1000; millisecond++) {
      job.feed.publish(eventOf(millisecond + 1))
      vi.advanceTimersByTime(1)
      while (job.deliver()) job.showFrame()
      job.showFrame()
    }
    const told = job.ports.server.posted - before
    expect(told).toBeGreaterThan(15)
    expect(told).toBeLessThanOrEqual(21)
  })
})

describe('whatever the order of events, messages, frames and time', () => {
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ does: fc.constant('publish' as const), count: fc.integer({ min: 1, max: 40 }) })
    },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('publish' as const), count: fc.constant(300) }) },
    { weight: 4, arbitrary: fc.record({ does: fc.constant('deliver' as const) }) },
    { weight: 3, arbitrary: fc.record({ does: fc.constant('frame' as const) }) },
    { weight: 4, arbitrary: fc.record({ does: fc.constant('wait' as const), time: fc.integer({ min: 0, max: 70 }) }) }
  )

  it('a window sees states there were, never an older one after a newer, and the newest at the end', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const job = new Followed()
        const history = [job.feed.state]
        for (const each of steps) {
          switch (each.does) {
            case 'publish':
              for (let i = 0; i < each.count; i++) {
                job.feed.publish(eventOf(history.length))
                history.push(job.feed.state)
              }
              break
            case 'deliver':
              job.deliver()
              break
            case 'frame':
              job.showFrame()
              break
            case 'wait':
              vi.advanceTimersByTime(each.time)
          }
          expect(job.ports.client.arriving.length).toBeLessThanOrEqual(1)
        }
        job.settle()
        expect(job.seen.at(-1)).toEqual(job.feed.state)
        const counts = job.seen.map(howMany)
        expect(counts).toEqual(counts.toSorted((a, b) => a - b))
        job.seen.forEach((state, i) => {
          expect(state).toEqual(history[counts[i] ?? -1])
        })
      }),
      { numRuns: 150 }
    )
  })
})
