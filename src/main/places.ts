import { join } from 'node:path'
import { app } from 'electron'
import { pageHost, pageScheme } from '../contract/names'

/** Folder of the built program: out/. */
const built = join(import.meta.dirname, '..')

/** Where things lie, packaged or not. */
export const places = {
  pages: join(built, 'renderer'),
  preload: join(built, 'preload', 'index.cjs'),
  engine: join(built, 'engine.mjs'),
  pictures: join(built, 'pictures.mjs'),
  probe: join(built, 'probe.mjs'),
  get resources(): string {
    return app.isPackaged ? process.resourcesPath : join(built, '..', 'resources')
  },
  get models(): string {
    return join(places.resources, 'models')
  },
  /** Sample pictures; null where they are taken from their npm packages. */
  get samples(): string | null {
    return app.isPackaged ? join(process.resourcesPath, 'samples') : null
  },
  get data(): string {
    return app.getPath('userData')
  },
  get runs(): string {
    return join(places.data, 'runs')
  }
}

/** Where pages come from: the server of a build that is worked on, else our own files. */
export const pageOrigin =
  (app.isPackaged ? undefined : process.env['ELECTRON_RENDERER_URL']) ?? `${pageScheme}://${pageHost}`
