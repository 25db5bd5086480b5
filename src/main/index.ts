import { readFileSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { app, clipboard, dialog, nativeTheme, net, shell } from 'electron'
import log from 'electron-log/main'
import type { Settings, StudioDocument } from '../contract/channels'
import type { EngineChoice } from '../contract/engine'
import { bundledModelFile, reportFile, runFile } from '../contract/names'
import { answerRequests, RequestError } from './channels'
import { Closing } from './closing'
import { describeDiagnostics } from './diagnostics'
import { documentAt, documentIn, modelExtensions, pictureExtensions } from './documents'
import { EngineProcess } from './engine-process'
import { enableViewer, setMenu } from './menu'
import { registerSchemes, servePages } from './pages'
import { PictureProcess } from './picture-process'
import { places } from './places'
import { lockDown } from './security'
import { readWithin } from './served-file'
import { Store } from './store'
import { StudioWindow } from './studio-window'
import { languageOf, textsOf } from './texts'
import { openTrial } from './trial-window'
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

/** Settings that the engine must know of. */
const concernEngine = ['runsFolder', 'memoryCap', 'modelServer', 'runtime'] as const

/** What the engine is told of them. */
function engineChoice({ runsFolder, memoryCap, modelServer, runtime }: Settings): EngineChoice {
  const bytes = memoryCap === null ? null : memoryCap * 2 ** 20
  return { runs: runsFolder ?? places.runs, memoryCap: bytes, modelServer, runtime }
}

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
    probeFile: places.probe,
    config: {
      models: places.models,
      samples: places.samples,
      zoo: join(places.data, 'models'),
      data: join(places.data, 'engine'),
      ...engineChoice(store.settings)
    },
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
  const pictures = new PictureProcess(places.pictures)
  let isViewerShown = false
  const showsViewer = (isShown: boolean): void => {
    isViewerShown = isShown
    enableViewer(isShown)
  }
  const window = new StudioWindow(store, (opened) => {
    closing.watch(opened)
    opened.once('closed', () => {
      showsViewer(false)
    })
    work.show(work.activity, opened)
  })
  const show = (): void => {
    if (!closing.isEnding) window.show()
  }
  const closing = new Closing({ engine, work, texts, show })

  /** What the user chooses; nothing where they chose nothing. */
  async function choose(what: 'model' | 'picture' | 'pictures' | 'files' | 'folder'): Promise<readonly string[]> {
    const models = [{ name: texts().models, extensions: [...modelExtensions] }]
    const pictures = [{ name: texts().pictures, extensions: [...pictureExtensions] }]
    const options = {
      model: { properties: ['openFile'], filters: models },
      picture: { properties: ['openFile'], filters: pictures },
      pictures: { properties: ['openFile', 'multiSelections'], filters: pictures },
      files: { properties: ['openFile', 'multiSelections'] },
      folder: { properties: ['openDirectory'] }
    } as const satisfies Readonly<Record<typeof what, unknown>>
    const { properties, ...rest } = { filters: [], ...options[what] }
    const { current } = window
    const asked: Electron.OpenDialogOptions = { ...rest, properties: [...properties] }
    const { filePaths } = await (current === null
      ? dialog.showOpenDialog(asked)
      : dialog.showOpenDialog(current, asked))
    return filePaths
  }

  /** What the user chooses of its kind; null where they chose nothing. */
  async function chooseOne(what: 'model' | 'picture' | 'folder'): Promise<string | null> {
    const [path] = await choose(what)
    return path ?? null
  }

  /** Writes a file where the user says; null where they said nothing. */
  async function save(name: string, contents: string | Uint8Array): Promise<string | null> {
    const { current } = window
    const options: Electron.SaveDialogOptions = { defaultPath: join(app.getPath('downloads'), name) }
    const { filePath } = await (current === null
      ? dialog.showSaveDialog(options)
      : dialog.showSaveDialog(current, options))
    if (filePath === '') return null
    // What is there under its name is whole, whatever happens meanwhile.
    const part = `${filePath}.part`
    try {
      await writeFile(part, contents)
      await rename(part, filePath)
    } catch (error) {
      await rm(part, { force: true })
      throw new RequestError(`"${filePath}" could not be written: ${error instanceof Error ? error.message : ''}`)
    }
    return filePath
  }

  async function chooseDocument(kind: StudioDocument['kind']): Promise<void> {
    const path = await chooseOne(kind === 'model' ? 'model' : 'folder')
    // What is neither is opened all the same: the page says what is wrong with it.
    if (path !== null) window.showDocument(documentAt(path) ?? { kind, path })
  }

  function copyDiagnostics(): void {
    void clipboard.writeText(describeDiagnostics(engine.state))
  }

  function showMenu(): void {
    setMenu(texts(), {
      command: (command) => {
        window.showWith('command', command)
      },
      viewer: (command) => {
        window.tell('viewer', command)
      },
      openModel: () => void chooseDocument('model'),
      openRun: () => void chooseDocument('run'),
      copyDiagnostics
    })
    enableViewer(isViewerShown)
  }

  /** The folder of a run that the engine has told of. */
  function folderOf(key: string): string {
    const folder = runFolders.get(key)
    if (folder === undefined) throw new RequestError('This run is not known.')
    return folder
  }

  const { homepage } = JSON.parse(readFileSync(join(app.getAppPath(), 'package.json'), 'utf8')) as {
    readonly homepage?: string
  }
  const releases = releaseAddress(homepage)

  answerRequests({
    start: (_, contents) => {
      const begun = window.begin(contents)
      if (begun !== null) engine.connect(begun)
      // A page that was loaded anew says so itself.
      showsViewer(false)
      // Only now: what is loaded for the engine would hold up the first page.
      engine.start()
      const { settings } = store
      return {
        version: app.getVersion(),
        language: languageOf(settings),
        settings,
        engine: engine.state,
        bundledModel: join(places.models, bundledModelFile),
        canCheckForUpdate: releases !== null
      }
    },
    'settings.change': (changes) => {
      const settings = store.changeSettings(changes)
      nativeTheme.themeSource = settings.theme
      if (concernEngine.some((name) => name in changes)) engine.configure(engineChoice(settings))
      showMenu()
      return { settings, language: languageOf(settings) }
    },
    'choose.model': () => chooseOne('model'),
    'choose.folder': () => chooseOne('folder'),
    'choose.picture': () => chooseOne('picture'),
    'choose.pictures': async () => [...(await choose('pictures'))],
    'choose.files': async () => [...(await choose('files'))],
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
      shell.showItemInFolder(join(folderOf(key), runFile))
      return null
    },
    'run.showReport': async ({ key }) => {
      const path = join(folderOf(key), reportFile)
      const problem = await shell.openPath(path)
      if (problem !== '') throw new RequestError(`"${path}" could not be opened: ${problem}`)
      return null
    },
    'run.trash': async ({ key }) => {
      const folder = folderOf(key)
      if (work.activity?.run === folder) throw new RequestError('Work on this run goes on; cancel it first.')
      await shell.trashItem(folder)
      return null
    },
    'run.savePicture': async ({ key, file }) => {
      const found = await readWithin(folderOf(key), file, ['.png'])
      if (found === null) throw new RequestError(`There is no picture "${file}" in this run any more.`)
      return save(basename(file), found)
    },
    'export.tryInBrowser': (trial) => {
      openTrial({ ...trial, language: languageOf(store.settings) }, window.current)
      return null
    },
    'file.save': ({ name, contents }) => save(basename(name), contents),
    'draft.load': () => store.draft,
    'draft.save': ({ draft }) => {
      store.draft = draft
      return null
    },
    'text.copy': ({ text }) => {
      void clipboard.writeText(text)
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
    },
    'pictures.connect': (_, contents) => {
      const { current } = window
      if (current?.webContents !== contents) throw new RequestError('This page is in no window any more.')
      pictures.connect(current)
      return null
    },
    'viewer.shown': ({ isShown }) => {
      showsViewer(isShown)
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
