import { portMessage } from '../../contract/names'
import { EngineClient } from './client'
import { onPort } from './window-port'

/** This window's channel to the engine. */
export const engine = new EngineClient((then) => {
  requestAnimationFrame(() => {
    then()
  })
})

/** Takes every port that the main process hands to this window: one at the start, and one for each new engine. */
export function acceptPorts(): void {
  onPort(portMessage, (port) => {
    engine.connect(port)
  })
}
