import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { app, clipboard, dialog, nativeTheme, net, shell, type BrowserWindow } from 'electron'
import log from 'electron-log/main'
import type { StudioDocument } from '../contract/channels'
import { answerRequests, notify, RequestError } from './channels'
import { Closing } from './closing'
import { describeDiagnostics } from './diagnostics'
import { documentAt, documentIn, modelExtensions } from './documents'
import { EngineProcess } from './engine-process'
import { setMenu } from './menu'
import { registerSchemes, servePages } from './pages'
import { places } from './places'
import { lockDown } from './security'
import { Store } from './store'
import { languageOf, textsOf } from './texts'
import { findNewest, releaseAddress } from './update'
import { openWindow } from './window'
import { Work } from './work'

log.transports.file.maxSize = 2 ** 20
log.transports.file.resolvePathFn = () => join(places.data, 'logs', 'main.log')
log.transports.console.level = 'warn'
log.errorHandler.startCatching({ showDialog: false })

registerSchemes()
// Not awaited: the app is not ready before this file has been run to its end.
if (app.requestSingleInstanceLock()) void run()
else app.quit()

async function run(): Promise<void> {
  await app.whenReady()
  lockDown()
  const store = new Store(places.data)
  nativeTheme.themeSource = store.settings.theme
  const texts = (): ReturnType<typeof textsOf> => textsOf(store.settings)
  const work = new Work()
  const runFolders = new Map<string, string>()
  const folderOf = (key: string): string => {
    const folder = runFolders.get(key)
    if (folder === undefined) throw new RequestError('This run is not known.')
    return folder
  }
  servePages(places.pages, (key) => runFolders.get(key))

  const manifest = JSON.parse(readFileSync(join(app.getAppPath(), 'package.json'), 'utf8')) as { homepage?: string }
  const releases = releaseAddress(manifest.homepage)

  let window: BrowserWindow | null = null
  /** Documents that wait for a window that listens. */
  let waiting: StudioDocument | null = documentIn(process.argv, process.cwd())
  let listens = false

  const engine = new EngineProcess({
    file: places.engine,
    config: { models: places.models, samples: places.samples, runs: places.runs, data: join(places.data, 'engine') },
    onState: (state) => {
      log.info(`The engine is ${state.state}`)
      if (window !== null) notify(window, 'engine', state)
    },
    onNotice: (notice) => {
      if (notice.kind === 'activity') work.show(notice.job, window)
      if (notice.kind === 'known-run') runFolders.set(notice.key, notice.folder)
      if (notice.kind === 'ended') work.tellEnd(notice, window, texts(), show)
    }
  })
  const closing = new Closing({ engine, work, texts, show })

  /** Brings the window to the front, and opens it where there is none. */
  function show(): void {
    if (window === null || window.isDestroyed()) {
      const opened = openWindow(store)
      window = opened
      listens = false
      closing.watch(opened)
      opened.once('closed', () => {
        window = null
      })
      return
    }
    if (window.isMinimized()) window.restore()
    window.show()
    window.focus()
  }

  function openDocument(document: StudioDocument | null): void {
    show()
    if (document === null) return
    if (window !== null && listens) notify(window, 'document', document)
    else waiting = document
  }

  async function choose(properties: ('openFile' | 'openDirectory')[]): Promise<string | null> {
    const filters = properties.includes('openFile') ? [{ name: texts().models, extensions: modelExtensions }] : []
    const options = { properties, filters }
    const { filePaths } = await (window === null
      ? dialog.showOpenDialog(options)
      : dialog.showOpenDialog(window, options))
    return filePaths[0] ?? null
  }

  async function chooseDocument(properties: ('openFile' | 'openDirectory')[]): Promise<void> {
    const path = await choose(properties)
    if (path !== null) openDocument(documentAt(path) ?? { kind: 'run', path })
  }

  function copyDiagnostics(): void {
    void clipboard.writeText(describeDiagnostics(engine.state))
  }

  function showMenu(): void {
    setMenu(texts(), {
      command: (command) => {
        show()
        if (window !== null) notify(window, 'command', command)
      },
      openModel: () => void chooseDocument(['openFile']),
      openRun: () => void chooseDocument(['openDirectory']),
      copyDiagnostics
    })
  }

  async function showOutside(path: string): Promise<null> {
    const problem = await shell.openPath(path)
    if (problem !== '') throw new RequestError(`"${path}" could not be opened: ${problem}`)
    return null
  }

  answerRequests({
    start: (_, contents) => {
      listens = true
      if (window !== null && window.webContents === contents) engine.connect(window)
      // Only now: what is loaded for the engine would hold up the first page.
      engine.start()
      const document = waiting
      waiting = null
      if (document !== null) {
        // After the answer, so that the window knows what it is before it shows a document.
        setImmediate(() => {
          if (window !== null && window.webContents === contents) notify(window, 'document', document)
        })
      }
      const { settings } = store
      return {
        version: app.getVersion(),
        language: languageOf(settings),
        settings,
        engine: engine.state,
        canCheckForUpdate: releases !== null
      }
    },
    'settings.change': (changes) => {
      const settings = store.changeSettings(changes)
      nativeTheme.themeSource = settings.theme
      showMenu()
      return { settings, language: languageOf(settings) }
    },
    'choose.model': () => choose(['openFile']),
    'choose.run': () => choose(['openDirectory']),
    'open.path': ({ path }) => {
      const document = documentAt(path)
      if (document === null) {
        const kinds = modelExtensions.map((extension) => `.${extension}`).join(', ')
        throw new RequestError(`"${path}" is neither a model (${kinds}) nor the folder of a run.`)
      }
      openDocument(document)
      return null
    },
    'documents.recent': () => store.recent.filter(({ path }) => documentAt(path) !== null),
    'documents.opened': (document) => {
      store.addRecent(document)
      if (document.kind === 'model') app.addRecentDocument(document.path)
      return null
    },
    'run.showFolder': ({ key }) => showOutside(folderOf(key)),
    'run.showReport': ({ key }) => showOutside(join(folderOf(key), 'report.html')),
    'diagnostics.copy': () => {
      copyDiagnostics()
      return null
    },
    'update.check': () => {
      if (releases === null) throw new RequestError('There is no place to ask for newer versions.')
      return findNewest(releases, app.getVersion(), (address, options) => net.fetch(address, options))
    },
    'engine.restart': () => {
      engine.start()
      return null
    }
  })

  app.on('second-instance', (_, args, folder) => {
    openDocument(documentIn(args, folder))
  })
  app.on('open-file', (event, path) => {
    event.preventDefault()
    openDocument(documentAt(path))
  })
  app.on('activate', show)
  showMenu()
  show()
}
