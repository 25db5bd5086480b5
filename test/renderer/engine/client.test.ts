import { describe, expect, it } from 'vitest'
import type { Port } from '../../../src/contract/protocol'
import { EngineClient, type EngineError } from '../../../src/renderer/engine/client'

/** The engine's end of a port, played by the test. */
class PlayedEngine {
  readonly heard: unknown[] = []
  isClosed = false
  #say: (message: unknown) => void = () => undefined
  #onClose: () => void = () => undefined

  readonly port: Port = {
    post: (message) => {
      this.heard.push(structuredClone(message))
    },
    listen: (onMessage, onClose) => {
      this.#say = onMessage
      this.#onClose = onClose
    },
    close: () => {
      this.isClosed = true
    }
  }

  say(message: unknown): void {
    this.#say(message)
  }

  end(): void {
    this.#onClose()
  }

  kinds(): readonly unknown[] {
    return this.heard.map((message) => (message as { readonly kind: unknown }).kind)
  }
}

/** A window that shows what it was told when the test says so. */
function window(): { readonly client: EngineClient; showFrame(): void } {
  const frames: (() => void)[] = []
  const client = new EngineClient((then) => frames.push(then))
  return {
    client,
    showFrame: () => {
      for (const then of frames.splice(0)) then()
    }
  }
}

const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'answered',
    (error: unknown) => (error as EngineError).code
  )

describe('calls', () => {
  it('that are pending when a new engine comes are lost, even where the old port says nothing', async () => {
    const { client } = window()
    const [old, next] = [new PlayedEngine(), new PlayedEngine()]
    client.connect(old.port)
    const pending = client.call('runs.list', null)
    client.connect(next.port)
    expect(await codeOf(pending)).toBe('lost')
    expect(old.isClosed).toBe(true)
    expect(next.heard).toEqual([])
    // What the old one still says, and that it ends, is of no importance.
    const asked = client.call('runs.list', null)
    old.say({ kind: 'result', id: 2, value: ['of the old one'] })
    old.end()
    next.say({ kind: 'result', id: 2, value: [] })
    expect(await asked).toEqual([])
  })

  it('are lost with the reason that is told', async () => {
    const { client } = window()
    const engine = new PlayedEngine()
    client.connect(engine.port)
    const [asked, other] = [client.call('runs.list', null), client.call('engine.doctor', { isAnew: false })]
    client.lose({ code: 'out-of-memory', message: 'The engine ran out of memory.' })
    expect(await Promise.all([asked, other].map(codeOf))).toEqual(['out-of-memory', 'out-of-memory'])
    engine.end()
    engine.say({ kind: 'result', id: 1, value: [] })
  })

  it('are cancelled by a signal that was aborted before', async () => {
    const { client } = window()
    const engine = new PlayedEngine()
    client.connect(engine.port)
    expect(await codeOf(client.call('runs.list', null, AbortSignal.abort()))).toBe('cancelled')
    expect(engine.kinds()).not.toContain('call')
  })

  it('that are cancelled while they wait are never asked for', async () => {
    const { client } = window()
    const controller = new AbortController()
    const cancelled = client.call('queue.release', null, controller.signal)
    const kept = client.call('runs.list', null)
    controller.abort()
    expect(await codeOf(cancelled)).toBe('cancelled')
    const engine = new PlayedEngine()
    client.connect(engine.port)
    expect(engine.heard).toEqual([{ kind: 'call', id: 2, name: 'runs.list', args: null }])
    engine.say({ kind: 'result', id: 2, value: [] })
    expect(await kept).toEqual([])
  })

  it('leave nothing behind at a signal that lives on', async () => {
    const { client } = window()
    const engine = new PlayedEngine()
    client.connect(engine.port)
    const { signal, abort } = countedSignal()
    const answered = client.call('runs.list', null, signal)
    engine.say({ kind: 'result', id: 1, value: [] })
    await answered
    const failed = client.call('runs.list', null, signal)
    engine.say({ kind: 'failure', id: 2, failure: { code: 'missing', message: 'No.' } })
    await codeOf(failed)
    expect(signal.listeners).toBe(0)
    abort()
    expect(engine.kinds()).toEqual(['call', 'call'])
  })

  it('that cannot be sent fail alone', async () => {
    const { client } = window()
    const unsendable = { file: (() => 'x') as unknown as string }
    const waiting = [client.call('model.inspect', unsendable), client.call('runs.list', null)]
    const engine = new PlayedEngine()
    client.connect(engine.port)
    const direct = client.call('model.inspect', unsendable)
    for (const id of [2, 3]) engine.say({ kind: 'result', id, value: [] })
    expect(await Promise.all([...waiting, direct].map(codeOf))).toEqual(['usage', 'answered', 'usage'])
    expect(engine.kinds()).toEqual(['call'])
  })

  it('that were cancelled may be answered all the same', async () => {
    const { client } = window()
    const engine = new PlayedEngine()
    client.connect(engine.port)
    const controller = new AbortController()
    const call = client.call('runs.list', null, controller.signal)
    controller.abort()
    engine.say({ kind: 'result', id: 1, value: [] })
    expect(await codeOf(call)).toBe('cancelled')
    expect(engine.heard.at(-1)).toEqual({ kind: 'cancel', id: 1 })
  })
})

describe('what is followed', () => {
  it('is asked for again only once it was shown', () => {
    const { client, showFrame } = window()
    const engine = new PlayedEngine()
    client.connect(engine.port)
    const seen: number[] = []
    client.follow('runs', '', (state) => seen.push(state))
    engine.say({ kind: 'state', id: 1, state: 3 })
    expect([seen, engine.kinds()]).toEqual([[3], ['subscribe']])
    showFrame()
    expect(engine.kinds()).toEqual(['subscribe', 'ready'])
    engine.say({ kind: 'changes', id: 1, changes: [4, 5] })
    showFrame()
    // Changes that came together are shown together.
    expect([seen, engine.kinds()]).toEqual([
      [3, 5],
      ['subscribe', 'ready', 'ready']
    ])
  })

  it('goes on where showing it went wrong', () => {
    const { client, showFrame } = window()
    const engine = new PlayedEngine()
    client.connect(engine.port)
    client.follow('runs', '', () => {
      throw new Error('a page is broken')
    })
    expect(() => {
      engine.say({ kind: 'state', id: 1, state: 3 })
    }).toThrow('a page is broken')
    showFrame()
    expect(engine.kinds()).toEqual(['subscribe', 'ready'])
  })

  it('is not confirmed to an engine that did not send it', () => {
    const { client, showFrame } = window()
    const [old, next] = [new PlayedEngine(), new PlayedEngine()]
    client.connect(old.port)
    client.follow('runs', '', () => undefined)
    old.say({ kind: 'state', id: 1, state: 3 })
    old.end()
    client.connect(next.port)
    showFrame()
    expect([old.kinds(), next.kinds()]).toEqual([['subscribe'], ['subscribe']])
  })

  it('that ends says why and is not asked for again', () => {
    const { client } = window()
    const [old, next] = [new PlayedEngine(), new PlayedEngine()]
    client.connect(old.port)
    const failures: string[] = []
    client.follow(
      'job',
      'x',
      () => expect.unreachable(),
      ({ code }) => failures.push(code)
    )
    old.say({ kind: 'failure', id: 1, failure: { code: 'missing', message: 'There is no such job any more.' } })
    client.connect(next.port)
    expect([failures, next.heard]).toEqual([['missing'], []])
  })

  it('is told no more once it is left', () => {
    const { client, showFrame } = window()
    const engine = new PlayedEngine()
    client.connect(engine.port)
    const seen: number[] = []
    const leave = client.follow('runs', '', (state) => seen.push(state))
    engine.say({ kind: 'state', id: 1, state: 3 })
    leave()
    engine.say({ kind: 'changes', id: 1, changes: [4] })
    showFrame()
    expect([seen, engine.kinds()]).toEqual([[3], ['subscribe', 'unsubscribe']])
  })
})

/** A signal that counts who listens. */
function countedSignal(): { readonly signal: AbortSignal & { readonly listeners: number }; abort(): void } {
  const controller = new AbortController()
  const { signal } = controller
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)]
  let listeners = 0
  const counted = Object.defineProperties(signal, {
    addEventListener: {
      value: (...args: Parameters<typeof add>) => {
        listeners++
        add(...args)
      }
    },
    removeEventListener: {
      value: (...args: Parameters<typeof remove>) => {
        listeners--
        remove(...args)
      }
    },
    listeners: { get: () => listeners }
  }) as AbortSignal & { readonly listeners: number }
  return {
    signal: counted,
    abort: () => {
      controller.abort()
    }
  }
}
