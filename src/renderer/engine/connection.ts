import { portMessage } from '../../contract/names'
import type { Port } from '../../contract/protocol'
import { EngineClient } from './client'

/** This window's channel to the engine. */
export const engine = new EngineClient((then) => {
  requestAnimationFrame(() => {
    then()
  })
})

/** Takes every port that the main process hands to this window: one at the start, and one for each new engine. */
export function acceptPorts(): void {
  window.addEventListener('message', ({ source, data, ports: [port] }) => {
    if (source === window && data === portMessage && port !== undefined) engine.connect(browserPort(port))
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
