import { join } from 'node:path'
import type { EngineConfig } from '../../../src/contract/engine'

/** What an engine is started with that keeps everything in a folder. */
export function configIn(folder: string): EngineConfig {
  return {
    models: join(import.meta.dirname, '..', '..', '..', 'resources', 'models'),
    samples: null,
    memoryCap: null,
    modelServer: null,
    runtime: null,
    runs: join(folder, 'runs'),
    zoo: join(folder, 'zoo'),
    data: join(folder, 'data')
  }
}
