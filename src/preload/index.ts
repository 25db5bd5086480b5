import { contextBridge, ipcRenderer, webUtils } from 'electron'
import type {
  Notice,
  NoticeValue,
  Request,
  RequestArgs,
  RequestResult,
  Settings,
  StudioDocument
} from '../contract/channels'
import type { Failure } from '../contract/jobs'
import { picturePortMessage, portMessage } from '../contract/names'

type Answer<T> = { readonly value: T } | { readonly failure: Failure }

async function ask<R extends Request>(request: R, args: RequestArgs<R>): Promise<Answer<RequestResult<R>>> {
  return (await ipcRenderer.invoke(request, args)) as Answer<RequestResult<R>>
}

function listen<N extends Notice>(notice: N, listener: (value: NoticeValue<N>) => void): () => void {
  const forward = (_: unknown, value: NoticeValue<N>): void => {
    listener(value)
  }
  ipcRenderer.on(notice, forward)
  return () => {
    ipcRenderer.off(notice, forward)
  }
}

// A port cannot pass the bridge; it reaches the page as a message of the window to itself.
for (const message of [portMessage, picturePortMessage]) {
  ipcRenderer.on(message, ({ ports }) => {
    window.postMessage(message, window.location.origin, [...ports])
  })
}

/**
 * What pages can ask of the main process. Answers are values: an error would lose all but its message on its way over the
 * bridge.
 */
const studio = {
  start: () => ask('start', null),
  changeSettings: (settings: Partial<Settings>) => ask('settings.change', settings),
  chooseModel: () => ask('choose.model', null),
  chooseFolder: () => ask('choose.folder', null),
  choosePicture: () => ask('choose.picture', null),
  choosePictures: () => ask('choose.pictures', null),
  chooseFiles: () => ask('choose.files', null),
  openPath: (path: string) => ask('open.path', { path }),
  recentDocuments: () => ask('documents.recent', null),
  documentOpened: (document: StudioDocument) => ask('documents.opened', document),
  showRunFolder: (key: string) => ask('run.showFolder', { key }),
  showReport: (key: string) => ask('run.showReport', { key }),
  trashRun: (key: string) => ask('run.trash', { key }),
  savePicture: (key: string, file: string) => ask('run.savePicture', { key, file }),
  tryInBrowser: (trial: RequestArgs<'export.tryInBrowser'>) => ask('export.tryInBrowser', trial),
  saveFile: (name: string, contents: string | Uint8Array<ArrayBuffer>) => ask('file.save', { name, contents }),
  loadDraft: () => ask('draft.load', null),
  saveDraft: (draft: string | null) => ask('draft.save', { draft }),
  copyText: (text: string) => ask('text.copy', { text }),
  copyDiagnostics: () => ask('diagnostics.copy', null),
  checkForUpdate: () => ask('update.check', null),
  restartEngine: () => ask('engine.restart', null),
  connectPictures: () => ask('pictures.connect', null),
  viewerShown: (isShown: boolean) => ask('viewer.shown', { isShown }),
  /** The path of a file that was dropped on the page. */
  pathOf: (file: File) => webUtils.getPathForFile(file),
  onEngine: (listener: (state: NoticeValue<'engine'>) => void) => listen('engine', listener),
  onDocument: (listener: (document: NoticeValue<'document'>) => void) => listen('document', listener),
  onCommand: (listener: (command: NoticeValue<'command'>) => void) => listen('command', listener),
  onViewerCommand: (listener: (command: NoticeValue<'viewer'>) => void) => listen('viewer', listener)
}
export type StudioBridge = typeof studio

contextBridge.exposeInMainWorld('studio', studio)
