import type { RouteLocationRaw } from 'vue-router'
import { engine } from './engine/connection'

/** Adds the demo to the queue; gives the page on which it can be watched. */
export async function beginDemo(): Promise<RouteLocationRaw> {
  const { run } = await engine.call('queue.add', { request: { kind: 'demo' } })
  return { name: 'run', query: { folder: run } }
}
