import type { Port } from '../../contract/protocol'

/** Takes every port that the main process hands to this window under the name of a message. */
export function onPort(message: string, take: (port: Port) => void): void {
  window.addEventListener('message', ({ source, data, ports: [port] }) => {
    if (source === window && data === message && port !== undefined) take(browserPort(port))
  })
}

function browserPort(port: MessagePort): Port {
  return {
    post: (message) => {
      port.postMessage(message)
    },
    listen: (onMessage, onClose) => {
      port.addEventListener('message', ({ data }) => {
        onMessage(data)
      })
      port.addEventListener('close', onClose)
      port.start()
    },
    close: () => {
      port.close()
    }
  }
}
