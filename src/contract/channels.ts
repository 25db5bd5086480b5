import { z } from 'zod'
import { failureSchema } from './jobs'
import { runtimeChoiceSchema } from './runtimes'
import { trialSchema } from './trial'
import { viewerCommandIds } from './viewer-commands'
import { modelServerSchema } from './zoo'

const nothing = z.null()

/** What a user chose once and for all. */
export const settingsSchema = z.object({
  theme: z.enum(['system', 'light', 'dark']),
  /** `system` takes Chinese where the desktop is Chinese, English elsewhere. */
  language: z.enum(['system', 'en', 'zh-CN']),
  /** Where runs are kept; null takes a folder beside the settings. */
  runsFolder: z.string().nullable(),
  /** Mebibytes that the values of a network may take; null takes half of what is free. */
  memoryCap: z.int().min(64).nullable(),
  /** The server that published models are got from; null takes those who published them. */
  modelServer: modelServerSchema.nullable(),
  /** What computes networks; null takes the processor by onnxruntime. */
  runtime: runtimeChoiceSchema.nullable()
})
export type Settings = Readonly<z.infer<typeof settingsSchema>>
export const usualSettings: Settings = {
  theme: 'system',
  language: 'system',
  runsFolder: null,
  memoryCap: null,
  modelServer: null,
  runtime: null
}

/** A file or folder that was opened from outside the window: by double click, drag, argument or menu. */
export const documentSchema = z.object({ kind: z.enum(['model', 'run']), path: z.string() })
export type StudioDocument = Readonly<z.infer<typeof documentSchema>>

/** What a window is told of the engine's process. */
export const engineStateSchema = z.discriminatedUnion('state', [
  z.object({ state: z.literal('starting') }),
  z.object({ state: z.literal('running') }),
  /** It ended unasked and is being started anew. */
  z.object({ state: z.literal('lost'), failure: failureSchema }),
  /** It ended again and again, and is not started any more unless asked for. */
  z.object({ state: z.literal('failed'), failure: failureSchema })
])
export type EngineState = Readonly<z.infer<typeof engineStateSchema>>

/** What a window knows before it shows anything. */
export const startSchema = z.object({
  version: z.string(),
  /** The language to show: that of the settings, or of the desktop. */
  language: z.enum(['en', 'zh-CN']),
  settings: settingsSchema,
  engine: engineStateSchema,
  /** The model that comes with the program. */
  bundledModel: z.string(),
  /** Whether there is a place to ask for newer versions. */
  canCheckForUpdate: z.boolean()
})
export type Start = Readonly<z.infer<typeof startSchema>>

export const updateSchema = z.object({ newest: z.string(), isNewer: z.boolean(), page: z.string() })

/** What windows ask of the main process: arguments and result. */
export const requests = {
  /** Asked for when a page listens. What was opened before follows as notices. */
  start: { args: nothing, result: startSchema },
  'settings.change': { args: settingsSchema.partial(), result: startSchema.pick({ settings: true, language: true }) },
  /** Lets the user choose a file or folder; null where nothing was chosen. */
  'choose.model': { args: nothing, result: z.string().nullable() },
  'choose.folder': { args: nothing, result: z.string().nullable() },
  'choose.picture': { args: nothing, result: z.string().nullable() },
  /** Several pictures; none where nothing was chosen. */
  'choose.pictures': { args: nothing, result: z.array(z.string()) },
  /** Several files of any kind; none where nothing was chosen. */
  'choose.files': { args: nothing, result: z.array(z.string()) },
  /** Opens what was dropped on the window, as by double click. */
  'open.path': { args: z.object({ path: z.string() }), result: nothing },
  /** What was opened lately, newest first. */
  'documents.recent': { args: nothing, result: z.array(documentSchema) },
  /** A document was shown, and is now the newest of the recent ones. */
  'documents.opened': { args: documentSchema, result: nothing },
  /** Shows the folder of a run, or its report, outside the app. */
  'run.showFolder': { args: z.object({ key: z.string() }), result: nothing },
  'run.showReport': { args: z.object({ key: z.string() }), result: nothing },
  /** Puts the folder of a run into the system's trash. */
  'run.trash': { args: z.object({ key: z.string() }), result: nothing },
  /** Saves what a page made where the user says; null where they said nothing. */
  'file.save': {
    args: z.object({ name: z.string(), contents: z.union([z.string(), z.instanceof(Uint8Array)]) }),
    result: z.string().nullable()
  },
  /** Saves a picture of a run where the user says; null where they said nothing. */
  'run.savePicture': { args: z.object({ key: z.string(), file: z.string() }), result: z.string().nullable() },
  /** Runs an exported file in a window of its own, as browsers do. */
  'export.tryInBrowser': { args: trialSchema.omit({ language: true }), result: nothing },
  /** What was filled in of a new quantization and not begun, as the page keeps it; null where there is nothing. */
  'draft.load': { args: nothing, result: z.string().nullable() },
  'draft.save': {
    args: z.object({
      draft: z
        .string()
        .max(2 ** 20)
        .nullable()
    }),
    result: nothing
  },
  /** Puts a text into the clipboard. */
  'text.copy': { args: z.object({ text: z.string() }), result: nothing },
  /** Puts what helps to find a fault into the clipboard. */
  'diagnostics.copy': { args: nothing, result: nothing },
  'update.check': { args: nothing, result: updateSchema },
  'engine.restart': { args: nothing, result: nothing },
  /** Has a port to the process that reads pictures sent to the window; it is started where it does not run. */
  'pictures.connect': { args: nothing, result: nothing },
  /** Whether the viewer is shown, and takes commands from the menu. */
  'viewer.shown': { args: z.object({ isShown: z.boolean() }), result: nothing }
} as const satisfies Record<string, { readonly args: z.ZodType; readonly result: z.ZodType }>
export type Request = keyof typeof requests
export type RequestArgs<R extends Request> = z.infer<(typeof requests)[R]['args']>
export type RequestResult<R extends Request> = z.infer<(typeof requests)[R]['result']>

/** What the main process tells windows. */
export const notices = {
  engine: engineStateSchema,
  document: documentSchema,
  /** A menu entry that the window carries out. */
  command: z.enum(['home', 'new', 'runs', 'compare', 'settings', 'demo']),
  /** A menu entry that the viewer carries out. */
  viewer: z.enum(viewerCommandIds)
} as const satisfies Record<string, z.ZodType>
export type Notice = keyof typeof notices
export type NoticeValue<N extends Notice> = z.infer<(typeof notices)[N]>
