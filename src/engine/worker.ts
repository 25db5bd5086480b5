import { engineConfigSchema, engineOrderSchema, type EngineNotice } from '../contract/engine'
import { processPort, type ClosablePort } from './service/port'
import { serve } from './service/server'
import { openStudio } from './service/studio'

/** The engine's end of the channel to the main process, as Electron's utility processes have it. */
interface ParentPort {
  postMessage(message: unknown): void
  on(
    event: 'message',
    listener: (message: { readonly data: unknown; readonly ports: readonly ClosablePort[] }) => void
  ): void
}

const { parentPort } = process as unknown as { readonly parentPort: ParentPort }
const tell = (notice: EngineNotice): void => {
  parentPort.postMessage(notice)
}

const studio = await openStudio(engineConfigSchema.parse(JSON.parse(process.argv[2] ?? 'null')), tell)

parentPort.on('message', ({ data, ports }) => {
  const order = engineOrderSchema.parse(data)
  switch (order.kind) {
    case 'connect':
      for (const port of ports) serve(processPort(port), studio)
      return
    case 'settle':
      void studio.settle(order.how).finally(() => {
        tell({ kind: 'settled' })
      })
      return
  }
})
tell({ kind: 'ready' })
