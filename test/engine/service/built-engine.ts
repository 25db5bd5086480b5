import { fork } from 'node:child_process'
import { join } from 'node:path'
import { MessageChannel, Worker } from 'node:worker_threads'
import {
  engineNoticeSchema,
  type EngineConfig,
  type EngineNotice,
  type EngineOrder
} from '../../../src/contract/engine'
import type { Port } from '../../../src/contract/protocol'
import { probeByNode } from '../../../src/runtimes/select'
import { threadPort } from '../../../src/engine/service/port'

const host = join(import.meta.dirname, 'engine-host.mjs')

/** The built engine at work, as the main process of the app has it. */
export interface BuiltEngine {
  /** What it told, from the first word on. */
  readonly notices: readonly EngineNotice[]
  /** Resolves once it has told something of a kind. */
  told(kind: EngineNotice['kind']): Promise<void>
  order(order: EngineOrder): void
  connect(): Port
  /** Ends it without a word. */
  kill(): Promise<void>
}

/** Starts the engine in a thread of its own; it can have any number of ports, and its runtimes are tried by Node.js. */
export async function startInThread(config: EngineConfig): Promise<BuiltEngine> {
  const worker = new Worker(host, { argv: [JSON.stringify(config)], execArgv: [] })
  const heard = listener()
  const order = (data: EngineOrder): void => {
    worker.postMessage({ data })
  }
  worker.on('message', (message: unknown) => {
    heard.hear(message)
    const notice = engineNoticeSchema.safeParse(message).data
    if (notice?.kind !== 'probe') return
    void probeByNode(notice.runtime, notice.device).then(({ result }) => {
      order({ kind: 'probed', id: notice.id, result, code: null })
    })
  })
  await heard.told('ready')
  return {
    ...heard,
    order,
    connect: () => {
      const { port1, port2 } = new MessageChannel()
      worker.postMessage({ data: { kind: 'connect' }, port: port1 }, [port1])
      return threadPort(port2)
    },
    kill: async () => {
      await worker.terminate()
    }
  }
}

/** Starts the engine in a process of its own, which can be killed like one; it has one port. */
export async function startInProcess(config: EngineConfig): Promise<BuiltEngine> {
  const child = fork(host, [JSON.stringify(config)], { serialization: 'advanced', execArgv: [] })
  const heard = listener()
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve()
    })
  })
  let onMessage: (message: unknown) => void = () => undefined
  child.on('message', ({ to, data }: { readonly to: 'parent' | 'port'; readonly data: unknown }) => {
    if (to === 'parent') heard.hear(data)
    else onMessage(data)
  })
  await heard.told('ready')
  return {
    ...heard,
    order: (data) => {
      child.send({ to: 'parent', data })
    },
    connect: () => {
      child.send({ to: 'parent', data: { kind: 'connect' } })
      return {
        post: (data) => {
          child.send({ to: 'port', data })
        },
        listen: (listener, onClose) => {
          onMessage = listener
          child.once('exit', onClose)
        },
        close: () => undefined
      }
    },
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    }
  }
}

function listener(): Pick<BuiltEngine, 'notices' | 'told'> & { readonly hear: (message: unknown) => void } {
  const notices: EngineNotice[] = []
  const waiting: { readonly kind: EngineNotice['kind']; readonly resolve: () => void }[] = []
  return {
    notices,
    hear: (message) => {
      const notice = engineNoticeSchema.parse(message)
      notices.push(notice)
      for (const { kind, resolve } of waiting) if (kind === notice.kind) resolve()
    },
    told: (kind) =>
      new Promise((resolve) => {
        if (notices.some((notice) => notice.kind === kind)) resolve()
        else waiting.push({ kind, resolve })
      })
  }
}
