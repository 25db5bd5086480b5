import type { Port } from '../../contract/protocol'

/** What a message port of Node's threads and one of Electron's processes have in common, but for how data comes. */
export interface ClosablePort {
  postMessage(message: unknown): void
  on(event: 'message', listener: (message: unknown) => void): unknown
  on(event: 'close', listener: () => void): unknown
  start(): void
  close(): void
}

/** A port of Electron's utility process, whose messages come in an envelope. */
export function processPort(port: ClosablePort): Port {
  return portOver(port, (envelope) => (envelope as { readonly data: unknown }).data)
}

/** A port of Node's worker threads. */
export function threadPort(port: ClosablePort): Port {
  return portOver(port, (message) => message)
}

function portOver(port: ClosablePort, dataOf: (message: unknown) => unknown): Port {
  return {
    post: (message) => {
      port.postMessage(message)
    },
    listen: (onMessage, onClose) => {
      port.on('message', (message) => {
        onMessage(dataOf(message))
      })
      port.on('close', onClose)
      port.start()
    },
    close: () => {
      port.close()
    }
  }
}
