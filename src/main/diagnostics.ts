import { arch, cpus, freemem, release, totalmem } from 'node:os'
import { readFileSync } from 'node:fs'
import { app } from 'electron'
import log from 'electron-log/main'
import type { EngineState } from '../contract/channels'

/** Lines of the log that are passed on. */
const mostLines = 200

/** What helps to find a fault, as text. Holds no picture and no model, but paths that the log names. */
export function describeDiagnostics(engine: EngineState): string {
  const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`
  const [cpu] = cpus()
  const facts = {
    '2DQuant Studio': app.getVersion(),
    Electron: process.versions.electron,
    Chrome: process.versions['chrome'],
    Node: process.versions.node,
    System: `${process.platform} ${release()} ${arch()}`,
    Processor: `${cpu?.model ?? 'unknown'}, ${cpus().length} threads`,
    Memory: `${gib(freemem())} of ${gib(totalmem())} free`,
    Packaged: app.isPackaged,
    Engine: engine.state
  }
  const lines = Object.entries(facts).map(([name, value]) => `${name}: ${String(value)}`)
  return [...lines, '', ...lastLines()].join('\n')
}

function lastLines(): readonly string[] {
  try {
    return readFileSync(log.transports.file.getFile().path, 'utf8').trimEnd().split('\n').slice(-mostLines)
  } catch {
    return []
  }
}
