import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { app, clipboard, dialog, nativeTheme, net, shell } from 'electron'
import log from 'electron-log/main'
import type { StudioDocument } from '../contract/channels'
import { reportFile, runFile } from '../contract/names'
import { answerRequests, RequestError } from './channels'
import { Closing } from './closing'
import { describeDiagnostics } from './diagnostics'
import { documentAt, documentIn, modelExtensions } from './documents'
import { EngineProcess } from './engine-process'
import { setMenu } from './menu'
import { registerSchemes, servePages } from './pages'
import { places } from './places'
import { lockDown } from './security'
import { Store } from './store'
import { StudioWindow } from './studio-window'
import { languageOf, textsOf } from './texts'
import { findNewest, releaseAddress } from './update'
import { Work } from './work'

log.transports.file.maxSize = 2 ** 20
log.transports.file.resolvePathFn = () => join(places.data, 'logs', 'main.log')
log.transports.console.level = 'warn'
log.errorHandler.startCatching({ showDialog: false })

/** macOS tells of files that were double-clicked before the app is ready, too. */
let openedFile: StudioDocument | null = null
let openFile = (path: string): void => {
  openedFile = documentAt(path)
}
app.on('open-file', (event, path) => {
  event.preventDefault()
  openFile(path)
})

// Windows takes notifications and the taskbar by it, as the installer tells it.
app.setAppUserModelId('io.github.twodquant.studio')
registerSchemes()
// Not awaited: the app is not ready before this file has been run to its end.
if (app.requestSingleInstanceLock()) run().catch(giveUp)
else app.quit()

/** A program without a window would only keep others from starting. */
function giveUp(error: unknown): void {
  log.error(error)
  dialog.showErrorBox('2DQuant Studio', error instanceof Error ? error.message : String(error))
  app.exit(1)
}

async function run(): Promise<void> {
  await app.whenReady()
  lockDown()
  const store = new Store(places.data)
  nativeTheme.themeSource = store.settings.theme
  const texts = (): ReturnType<typeof textsOf> => textsOf(store.settings)
  const work = new Work()
  const runFolders = new Map<string, string>()
  servePages(places.pages, (key) => runFolders.get(key))

  const engine = new EngineProcess({
    file: places.engine,
    config: { models: places.models, samples: places.samples, runs: places.runs, data: join(places.data, 'engine') },
    onState: (state) => {
      log.info(`The engine is ${state.state}`)
      window.tell('engine', state)
    },
    onNotice: (notice) => {
      if (notice.kind === 'activity') work.show(notice.job, window.current)
      if (notice.kind === 'known-run') runFolders.set(notice.key, notice.folder)
      if (notice.kind === 'ended') work.tellEnd(notice, window.current, texts(), show)
    }
  })
  const window = new StudioWindow(store, (opened) => {
    closing.watch(opened)
    work.show(work.activity, opened)
  })
  const show = (): void => {
    if (!closing.isEnding) window.show()
  }
  const closing = new Closing({ engine, work, texts, show })

  async function choose(property: 'openFile' | 'openDirectory'): Promise<string | null> {
    const filters = property === 'openFile' ? [{ name: texts().models, extensions: [...modelExtensions] }] : []
    const options = { properties: [property], filters }
    const { current } = window
    const { filePaths } = await (current === null
      ? dialog.showOpenDialog(options)
      : dialog.showOpenDialog(current, options))
    return filePaths[0] ?? null
  }

  async function chooseDocument(property: 'openFile' | 'openDirectory'): Promise<void> {
    const path = await choose(property)
    // What is neither is opened all the same: the page says what is wrong with it.
    if (path === null) return
    window.showDocument(documentAt(path) ?? { kind: property === 'openFile' ? 'model' : 'run', path })
  }

  function copyDiagnostics(): void {
    void clipboard.writeText(describeDiagnostics(engine.state))
  }

  function showMenu(): void {
    setMenu(texts(), {
      command: (command) => {
        window.showWith('command', command)
      },
      openModel: () => void chooseDocument('openFile'),
      openRun: () => void chooseDocument('openDirectory'),
      copyDiagnostics
    })
  }

  /** A file in the folder of a run that the engine has told of. */
  function inRun(key: string, file: string): string {
    const folder = runFolders.get(key)
    if (folder === undefined) throw new RequestError('This run is not known.')
    return join(folder, file)
  }

  const { homepage } = JSON.parse(readFileSync(join(app.getAppPath(), 'package.json'), 'utf8')) as {
    readonly homepage?: string
  }
  const releases = releaseAddress(homepage)

  answerRequests({
    start: (_, contents) => {
      const begun = window.begin(contents)
      if (begun !== null) engine.connect(begun)
      // Only now: what is loaded for the engine would hold up the first page.
      engine.start()
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
    'choose.model': () => choose('openFile'),
    'choose.run': () => choose('openDirectory'),
    'open.path': ({ path }) => {
      const document = documentAt(path)
      if (document === null) {
        const kinds = modelExtensions.map((extension) => `.${extension}`).join(', ')
        throw new RequestError(`"${path}" is neither a model (${kinds}) nor the folder of a run.`)
      }
      window.showDocument(document)
      return null
    },
    'documents.recent': () => store.recent.filter(({ path }) => documentAt(path) !== null),
    'documents.opened': (document) => {
      store.addRecent(document)
      if (document.kind === 'model') app.addRecentDocument(document.path)
      return null
    },
    'run.showFolder': ({ key }) => {
      // The file within, not the folder: what is called like a program would be started.
      shell.showItemInFolder(inRun(key, runFile))
      return null
    },
    'run.showReport': async ({ key }) => {
      const path = inRun(key, reportFile)
      const problem = await shell.openPath(path)
      if (problem !== '') throw new RequestError(`"${path}" could not be opened: ${problem}`)
      return null
    },
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
    // What is asked for while the program ends is for the next one.
    if (closing.isEnding) app.relaunch({ args: args.slice(1) })
    else window.showDocument(documentIn(args, folder))
  })
  app.on('activate', show)
  showMenu()
  window.showDocument(documentIn(process.argv, process.cwd()) ?? openedFile)
  openFile = (path) => {
    window.showDocument(documentAt(path))
  }
}
