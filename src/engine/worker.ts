import { constants, setPriority } from 'node:os'
import { engineConfigSchema, engineOrderSchema, type EngineNotice } from '../contract/engine'
import type { ProbeApart } from '../runtimes/select'
import { processPort, type ClosablePort } from './service/port'
import { failureOf, serve } from './service/server'
import { openStudio, type Studio } from './service/studio'

/** The engine's end of the channel to the main process, as Electron's utility processes have it. */
interface ParentPort {
  postMessage(message: unknown): void
  on(
    event: 'message',
    listener: (message: { readonly data: unknown; readonly ports: readonly ClosablePort[] }) => void
  ): void
}

// Work in the background gives way to windows; threads that are started later inherit this.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL)

const { parentPort } = process as unknown as { readonly parentPort: ParentPort }
const tell = (notice: EngineNotice): void => {
  parentPort.postMessage(notice)
}

/** Probes that the main process is asked for, by number. */
const probes: ((answer: Awaited<ReturnType<ProbeApart>>) => void)[] = []
const probe: ProbeApart = (runtime, device) =>
  new Promise((resolve) => {
    tell({ kind: 'probe', id: probes.push(resolve) - 1, runtime, device })
  })

async function open(): Promise<Studio> {
  try {
    return await openStudio(engineConfigSchema.parse(JSON.parse(process.argv[2] ?? 'null')), tell, probe)
  } catch (error) {
    tell({ kind: 'unable', failure: failureOf(error) })
    throw error
  }
}
const studio = await open()

parentPort.on('message', ({ data, ports }) => {
  const order = engineOrderSchema.parse(data)
  switch (order.kind) {
    case 'connect':
      for (const port of ports) serve(processPort(port), studio)
      return
    case 'configure':
      studio.configure(order.choice)
      return
    case 'probed':
      probes[order.id]?.(order)
      return
    case 'settle':
      void studio.settle(order.how).finally(() => {
        tell({ kind: 'settled' })
      })
      return
  }
})
tell({ kind: 'ready' })
