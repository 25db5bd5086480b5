import Conf from 'conf'
import { z } from 'zod'
import {
  documentSchema,
  settingsSchema,
  usualSettings,
  type RequestArgs,
  type Settings,
  type StudioDocument
} from '../contract/channels'

/** Documents that are remembered. */
const mostRecent = 10

const windowStateSchema = z.object({
  x: z.int().optional(),
  y: z.int().optional(),
  width: z.int().min(320),
  height: z.int().min(240),
  isMaximized: z.boolean()
})
export type WindowState = z.infer<typeof windowStateSchema>

const storeSchema = z.object({
  settings: settingsSchema.catch(usualSettings),
  draft: z.string().nullable().catch(null),
  window: windowStateSchema.nullable().catch(null),
  recent: z.array(documentSchema).catch([])
})

/** What the app remembers from one start to the next, in `settings.json`; what is damaged begins anew. */
export class Store {
  readonly #conf: Conf

  constructor(folder: string) {
    this.#conf = new Conf({ cwd: folder, configName: 'settings', clearInvalidConfig: true })
  }

  get #contents(): z.infer<typeof storeSchema> {
    const kept = this.#conf.store
    // Settings of an older version lack what came later.
    const settings = { ...usualSettings, ...(kept['settings'] as object | undefined) }
    return storeSchema.parse({ window: null, recent: [], draft: null, ...kept, settings })
  }

  get settings(): Settings {
    return this.#contents.settings
  }

  changeSettings(changes: RequestArgs<'settings.change'>): Settings {
    const settings = settingsSchema.parse({ ...this.settings, ...changes })
    this.#conf.set('settings', settings)
    return settings
  }

  /** What was filled in of a new quantization and not begun. */
  get draft(): string | null {
    return this.#contents.draft
  }

  set draft(draft: string | null) {
    this.#conf.set('draft', draft)
  }

  get window(): WindowState | null {
    return this.#contents.window
  }

  set window(state: WindowState | null) {
    this.#conf.set('window', state)
  }

  get recent(): readonly StudioDocument[] {
    return this.#contents.recent
  }

  addRecent(document: StudioDocument): void {
    const others = this.recent.filter(({ path }) => path !== document.path)
    this.#conf.set('recent', [document, ...others].slice(0, mostRecent))
  }
}
