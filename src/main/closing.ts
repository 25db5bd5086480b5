import { app, BrowserWindow, dialog, Menu, nativeImage, powerMonitor, Tray } from 'electron'
import { join } from 'node:path'
import type { EngineProcess } from './engine-process'
import { places } from './places'
import type { textsOf } from './texts'
import type { Work } from './work'

interface ClosingOptions {
  readonly engine: EngineProcess
  readonly work: Work
  readonly texts: () => ReturnType<typeof textsOf>
  readonly show: () => void
}

/** How the program ends: work that goes on is kept, paused or stopped, as the user says, and is on disk before the end. */
export class Closing {
  readonly #options: ClosingOptions
  #tray: Tray | null = null
  #isAsking = false
  /** Once the engine has ended, nothing holds the program back. */
  #isSettled = false
  #isEnding = false

  constructor(options: ClosingOptions) {
    this.#options = options
    app.on('before-quit', (event) => {
      if (this.#isSettled) return
      event.preventDefault()
      void this.#ask()
    })
    process.on('SIGTERM', this.#endQuietly)
    powerMonitor.on('shutdown', this.#endQuietly)
    app.on('window-all-closed', () => {
      // Where work goes on, the tray keeps the program.
      if (this.#tray === null) app.quit()
    })
  }

  /** Whether work is being brought to disk for the end: no window may be opened any more. */
  get isEnding(): boolean {
    return this.#isEnding
  }

  /** Asks before this window closes while work goes on. */
  watch(window: BrowserWindow): void {
    this.#removeTray()
    window.on('close', (event) => {
      if (this.#isSettled || this.#isEnding || !this.#options.work.isGoing) return
      event.preventDefault()
      void this.#ask()
    })
    // Windows tells of the end of a session by its windows, and waits for a moment.
    window.on('query-session-end', (event) => {
      event.preventDefault()
      this.#endQuietly()
    })
    window.on('session-end', this.#endQuietly)
  }

  /** Nobody is there to be asked when the session ends. */
  readonly #endQuietly = (): void => {
    void this.#end('pause')
  }

  async #ask(): Promise<void> {
    if (this.#isAsking || this.#isEnding) return
    if (!this.#options.work.isGoing) {
      await this.#end('pause')
      return
    }
    this.#isAsking = true
    try {
      await this.#answer(await this.#question())
    } finally {
      this.#isAsking = false
    }
  }

  async #question(): Promise<Electron.MessageBoxReturnValue> {
    const { closing } = this.#options.texts()
    const options: Electron.MessageBoxOptions = {
      type: 'question',
      message: closing.message,
      detail: closing.detail,
      buttons: [closing.keep, closing.pause, closing.stop, closing.cancel],
      defaultId: 0,
      cancelId: 3,
      noLink: true
    }
    const [window] = BrowserWindow.getAllWindows()
    return window === undefined ? dialog.showMessageBox(options) : dialog.showMessageBox(window, options)
  }

  /** Work may have ended, and the window been closed, while the question was open. */
  async #answer({ response }: Electron.MessageBoxReturnValue): Promise<void> {
    if (response === 0 && this.#options.work.isGoing) this.#keep()
    else if (response === 0 || response === 1) await this.#end('pause')
    else if (response === 2) await this.#end('stop')
    else if (BrowserWindow.getAllWindows().length === 0 && this.#tray === null) this.#options.show()
  }

  #keep(): void {
    this.#removeTray()
    const { tray } = this.#options.texts()
    this.#tray = new Tray(nativeImage.createFromPath(join(places.resources, 'icon.png')).resize({ width: 22 }))
    this.#tray.setToolTip('2DQuant Studio')
    const quit = (): void => {
      app.quit()
    }
    this.#tray.setContextMenu(
      Menu.buildFromTemplate([
        { label: tray.show, click: this.#options.show },
        { label: tray.quit, click: quit }
      ])
    )
    this.#tray.on('click', this.#options.show)
    for (const window of BrowserWindow.getAllWindows()) window.destroy()
  }

  #removeTray(): void {
    this.#tray?.destroy()
    this.#tray = null
  }

  async #end(how: 'pause' | 'stop'): Promise<void> {
    if (this.#isEnding) return
    this.#isEnding = true
    for (const window of BrowserWindow.getAllWindows()) window.hide()
    await this.#options.engine.end(how)
    this.#isSettled = true
    app.quit()
  }
}
