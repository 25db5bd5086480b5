import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Whether the module with this URL is the program that was started, and not one that another imports. */
export function isStarted(moduleUrl) {
  const [, started] = process.argv
  return started !== undefined && realpathSync(started) === fileURLToPath(moduleUrl)
}
