import { join } from 'node:path'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { engineCalls, topicReducers, type EngineConfig } from '../../../src/contract/engine'
import type { Port } from '../../../src/contract/protocol'
import { StudioError } from '../../../src/core/errors'
import { Feed } from '../../../src/engine/service/feed'
import { threadPort } from '../../../src/engine/service/port'
import { serve, type CallContext, type Service } from '../../../src/engine/service/server'
import { openStudio, type Studio } from '../../../src/engine/service/studio'
import { EngineClient, type EngineError } from '../../../src/renderer/engine/client'
import { bundledModel, temporaryFolder } from '../../cli/run-cli'
import { startInThread } from './built-engine'
import { configIn } from './config'

const folder = temporaryFolder()
const configOf = (name: string): EngineConfig => configIn(join(folder, name))

const opened: MessagePort[] = []
afterEach(() => {
  for (const port of opened.splice(0)) port.close()
})

/** Connects a client to a service over the ports of threads. */
function connect(
  service: Service,
  client = new EngineClient((then) => setImmediate(then))
): {
  readonly client: EngineClient
  readonly ports: MessageChannel
} {
  const ports = new MessageChannel()
  opened.push(ports.port1, ports.port2)
  serve(threadPort(ports.port1), service)
  client.connect(threadPort(ports.port2))
  return { client, ports }
}

/** A service whose one call is answered as a test says; the calls it hears keep their contexts. */
function service(call: Service['call'], feeds: Readonly<Record<string, Feed<unknown, unknown>>> = {}): Service {
  return {
    call,
    feed: (topic) => {
      const feed = feeds[topic]
      if (feed === undefined) throw new StudioError('missing', 'There is no such job any more.')
      return feed
    }
  }
}

const runsFeed = (): Feed<number, number> => new Feed(0, topicReducers.runs)
const failureOf = (call: Promise<unknown>): Promise<EngineError> =>
  call.then(
    () => expect.unreachable('the call did not fail'),
    (error: unknown) => error as EngineError
  )

describe('a call', () => {
  it('is answered by what it was made with', async () => {
    const { client } = connect(service((name, args) => Promise.resolve({ name, args })))
    const calls = ['a', 'b', 'c'].map((file) => client.call('model.inspect', { file }))
    const files = (await Promise.all(calls)) as unknown
    expect(files).toEqual(['a', 'b', 'c'].map((file) => ({ name: 'model.inspect', args: { file } })))
  })

  it('that fails says why in the words of the engine', async () => {
    const { client } = connect(service(() => Promise.reject(new StudioError('unreadable', '"a.pth" is damaged.'))))
    const error = await failureOf(client.call('model.inspect', { file: 'a.pth' }))
    expect(error).toMatchObject({ name: 'EngineError', code: 'unreadable', message: '"a.pth" is damaged.' })
  })

  it('whose result cannot be sent fails, and the next one is answered', async () => {
    const results: unknown[] = [() => 'a function', 7]
    const { client } = connect(service(() => Promise.resolve(results.shift())))
    expect((await failureOf(client.call('runs.list', null))).code).toBe('failed')
    expect(await client.call('runs.list', null)).toBe(7)
  })

  it('that is cancelled is rejected at once, and its work is told', async () => {
    const contexts: CallContext[] = []
    const { client } = connect(
      service((_name, _args, context) => {
        contexts.push(context)
        return new Promise(() => undefined)
      })
    )
    const controller = new AbortController()
    const [cancelled, other] = [client.call('runs.list', null, controller.signal), client.call('runs.list', null)]
    await vi.waitFor(() => {
      expect(contexts).toHaveLength(2)
    })
    controller.abort()
    expect((await failureOf(cancelled)).code).toBe('cancelled')
    await vi.waitFor(() => {
      expect(contexts.map(({ signal }) => signal.aborted)).toEqual([true, false])
    })
    other.catch(() => undefined)
  })
})

describe('the calls of the engine', () => {
  let studio: Studio
  beforeAll(async () => {
    studio = await openStudio(configOf('calls'), () => undefined)
  })
  const asked = (name: string, args: unknown): Promise<EngineError> => {
    const { client } = connect(studio)
    return failureOf(client.call(name as 'runs.open', args as { readonly folder: string }))
  }

  it.each([
    ['of another type', 'runs.open', { folder: 7 }, /folder/],
    ['that are missing', 'runs.open', null, /object/],
    ['of no known job', 'queue.add', { request: { kind: 'format-disk' } }, /kind/],
    ['out of range', 'queue.move', { id: 'x', place: -1 }, /place/]
  ])('refuse arguments %s', async (_, name, args, says) => {
    const { code, message } = await asked(name, args)
    expect(code).toBe('usage')
    expect(message).toMatch(says)
  })

  it.each(['no.such', '__proto__', 'constructor', 'toString', 'hasOwnProperty', ''])(
    'do not know "%s"',
    async (name) => {
      expect(await asked(name, null)).toMatchObject({ code: 'usage', message: `The engine knows no call "${name}".` })
    }
  )

  it.each(['no.such', '__proto__', 'constructor', 'valueOf', ''])('have no topic "%s"', async (topic) => {
    const { client } = connect(studio)
    const error = await new Promise<EngineError>((resolve) => {
      client.follow(topic as 'runs', '', () => expect.unreachable('there is a state'), resolve)
    })
    expect(error).toMatchObject({ code: 'usage', message: `The engine knows no topic "${topic}".` })
  })

  it('tell of a job that is not there', async () => {
    expect((await asked('job.cancel', { id: '__proto__' })).code).toBe('missing')
  })

  it('ask for a run to go on with', async () => {
    expect((await asked('queue.add', { request: { kind: 'resume' } })).code).toBe('usage')
  })
})

describe('a port that closes', () => {
  it('rejects what is pending, aborts its work and ends what was followed', async () => {
    const feed = runsFeed()
    const contexts: CallContext[] = []
    const { client, ports } = connect(
      service(
        (_name, _args, context) => {
          contexts.push(context)
          return new Promise(() => undefined)
        },
        { runs: feed as Feed<unknown, unknown> }
      )
    )
    const seen: number[] = []
    client.follow('runs', '', (state) => seen.push(state))
    const calls = [client.call('runs.list', null), client.call('engine.doctor', { isAnew: false })]
    await vi.waitFor(() => {
      expect([contexts.length, seen]).toEqual([2, [0]])
    })
    ports.port1.close()
    const errors = await Promise.all(calls.map(failureOf))
    expect(errors.map(({ code }) => code)).toEqual(['lost', 'lost'])
    await vi.waitFor(() => {
      expect(contexts.every(({ signal }) => signal.aborted)).toBe(true)
    })
    feed.publish(1)
    await new Promise((resolve) => setTimeout(resolve, 120))
    expect(seen).toEqual([0])
  })

  it('does not end what another window asked for', async () => {
    const contexts: CallContext[] = []
    const waits = service((_name, _args, context) => {
      contexts.push(context)
      return new Promise(() => undefined)
    })
    const [first, second] = [connect(waits), connect(waits)]
    for (const { client } of [first, second]) client.call('runs.list', null).catch(() => undefined)
    await vi.waitFor(() => {
      expect(contexts).toHaveLength(2)
    })
    first.ports.port2.close()
    await vi.waitFor(() => {
      expect(contexts.filter(({ signal }) => signal.aborted)).toHaveLength(1)
    })
  })
})

describe('a new engine', () => {
  const counting = (start: number): { readonly feed: Feed<number, number>; readonly service: Service } => {
    const feed = new Feed(start, topicReducers.runs)
    return {
      feed,
      service: service((name) => Promise.resolve(`${name} ${start}`), { runs: feed as Feed<unknown, unknown> })
    }
  }

  it('is asked what waited for it, and tells anew what is followed', async () => {
    const [one, two] = [counting(100), counting(200)]
    const client = new EngineClient((then) => setImmediate(then))
    const seen: number[] = []
    client.follow('runs', '', (state) => seen.push(state))
    const early = client.call('runs.list', null)
    const { ports } = connect(one.service, client)
    expect(await early).toBe('runs.list 100')
    await vi.waitFor(() => {
      expect(seen).toEqual([100])
    })
    ports.port1.close()
    await failureOf(client.call('runs.list', null))
    const waiting = client.call('runs.list', null)
    connect(two.service, client)
    expect(await waiting).toBe('runs.list 200')
    one.feed.publish(101)
    two.feed.publish(201)
    await vi.waitFor(() => {
      expect(seen).toEqual([100, 200, 201])
    })
  })

  it('is not told of what nobody follows any more', async () => {
    const { service: engine } = counting(1)
    const client = new EngineClient((then) => setImmediate(then))
    const [seen, others]: [number[], number[]] = [[], []]
    const unfollow = client.follow('runs', '', (state) => seen.push(state))
    client.follow('runs', '', (state) => others.push(state))
    unfollow()
    connect(engine, client)
    await vi.waitFor(() => {
      expect(others).toEqual([1])
    })
    expect(seen).toEqual([])
  })
})

describe('what is no message', () => {
  const nonsense = [
    null,
    undefined,
    'call',
    7,
    [],
    {},
    { kind: 'call' },
    { kind: 'call', id: 'x', name: 'runs.list', args: null },
    { kind: 'call', id: 1.5, name: 'runs.list', args: null },
    { kind: 'call', id: 1, name: ['runs.list'], args: null },
    { kind: 'cancel' },
    { kind: 'cancel', id: 999 },
    { kind: 'ready', id: 999 },
    { kind: 'unsubscribe', id: 999 },
    { kind: 'subscribe', id: 1, topic: 'runs' },
    { kind: '__proto__', id: 1 },
    { kind: 'constructor', id: 1 },
    { kind: 'shutdown', id: 1 }
  ]

  it('is ignored by the engine', async () => {
    const names: string[] = []
    const { client, ports } = connect(
      service((name) => {
        names.push(name)
        return Promise.resolve(1)
      })
    )
    for (const message of nonsense) ports.port2.postMessage(message)
    expect(await client.call('engine.doctor', { isAnew: false })).toBe(1)
    expect(names).toEqual(['engine.doctor'])
  })

  it('is ignored by the window', async () => {
    const feed = runsFeed()
    const { client, ports } = connect(service(() => Promise.resolve(1), { runs: feed as Feed<unknown, unknown> }))
    const seen: unknown[] = []
    client.follow('runs', '', (state) => seen.push(state))
    const messages = [
      ...nonsense,
      { kind: 'state', id: 'x', state: 99 },
      { kind: 'changes', id: 1, changes: 99 },
      { kind: 'failure', id: 1, failure: 'no' },
      { kind: 'failure', id: 1, failure: { code: 1, message: 2 } },
      { kind: 'result', id: 999, value: 99 },
      { kind: 'state', id: 999, state: 99 }
    ]
    for (const message of messages) ports.port1.postMessage(message)
    expect(await client.call('engine.doctor', { isAnew: false })).toBe(1)
    feed.publish(1)
    await vi.waitFor(() => {
      expect(seen).toEqual([0, 1])
    })
  })
})

describe('a subscription', () => {
  it('that takes the number of another one ends it', async () => {
    const [one, two] = [runsFeed(), runsFeed()]
    const ports = new MessageChannel()
    opened.push(ports.port1, ports.port2)
    serve(
      threadPort(ports.port1),
      service(() => Promise.resolve(1), { one: one as Feed<unknown, unknown>, two: two as Feed<unknown, unknown> })
    )
    const heard: unknown[] = []
    const port: Port = threadPort(ports.port2)
    port.listen(
      (message) => {
        heard.push(message)
      },
      () => undefined
    )
    const wait = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 120))
    port.post({ kind: 'subscribe', id: 5, topic: 'one', key: '' })
    await wait()
    // A change that waits for the window when its subscription is ended may not come afterwards.
    one.publish(1)
    port.post({ kind: 'subscribe', id: 5, topic: 'none', key: '' })
    port.post({ kind: 'ready', id: 5 })
    await wait()
    port.post({ kind: 'subscribe', id: 5, topic: 'two', key: '' })
    await wait()
    expect(heard).toEqual([
      { kind: 'state', id: 5, state: 0 },
      { kind: 'failure', id: 5, failure: { code: 'missing', message: 'There is no such job any more.' } },
      { kind: 'state', id: 5, state: 0 }
    ])
  })
})

describe('the built engine in a thread of its own', () => {
  it('answers several windows, and says when it has settled', async () => {
    const engine = await startInThread(configOf('thread'))
    const clients = [1, 2].map(() => new EngineClient((then) => setImmediate(then)))
    for (const client of clients) client.connect(engine.connect())
    const [doctor, facts] = await Promise.all([
      clients[0]?.call('engine.doctor', { isAnew: false }),
      clients[1]?.call('model.inspect', { file: bundledModel })
    ])
    expect(engineCalls['engine.doctor'].result.parse(doctor)).toMatchObject({ chosen: { runtime: 'onnxruntime' } })
    expect(facts).toMatchObject({ architecture: 'SwinIR', scale: 4 })
    const missing = await failureOf(
      clients[0]?.call('model.inspect', { file: join(folder, 'no.pth') }) ?? Promise.resolve()
    )
    expect(missing.code).toBe('missing')
    expect(missing.message).toContain('no.pth')
    const state = await new Promise((resolve) => clients[1]?.follow('queue', '', resolve))
    expect(state).toEqual({ jobs: [], held: false, atWork: null })
    engine.order({ kind: 'settle', how: 'pause' })
    await engine.told('settled')
    await engine.kill()
  })
})
