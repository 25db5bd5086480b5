import { processPort, type ClosablePort } from '../service/port'
import { serve } from '../service/server'
import { Idleness } from './idleness'
import { openPictures } from './service'

/** The end of the channel to the main process, as Electron's utility processes have it. */
interface ParentPort {
  on(event: 'message', listener: (message: { readonly ports: readonly ClosablePort[] }) => void): void
}

const { parentPort } = process as unknown as { readonly parentPort: ParentPort }
// Only an end gives back for certain what pictures took.
const idleness = new Idleness(() => process.exit(0))
const pictures = idleness.watch(openPictures())

// Whatever comes from there brings ports of windows.
parentPort.on('message', ({ ports }) => {
  for (const port of ports) {
    serve(processPort(port), pictures)
    port.on('close', idleness.open())
  }
})
