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
    // Nobody is there to be asked when the session ends.
    const endQuietly = (): void => {
      void this.#end('pause')
    }
    process.on('SIGTERM', endQuietly)
    powerMonitor.on('shutdown', endQuietly)
    app.on('window-all-closed', () => {
      // Where work goes on, the tray keeps the program.
      if (this.#tray === null) app.quit()
    })
  }

  /** Asks before this window closes while work goes on. */
  watch(window: BrowserWindow): void {
    this.#tray?.destroy()
    this.#tray = null
    window.on('close', (event) => {
      if (this.#isSettled || this.#isEnding || !this.#options.work.isGoing) return
      event.preventDefault()
      void this.#ask()
    })
  }

  async #ask(): Promise<void> {
    if (this.#isAsking || this.#isEnding) return
    if (!this.#options.work.isGoing) {
      await this.#end('pause')
      return
    }
    this.#isAsking = true
    const { closing } = this.#options.texts()
    const { response } = await dialog.showMessageBox({
      type: 'question',
      message: closing.message,
      detail: closing.detail,
      buttons: [closing.keep, closing.pause, closing.stop, closing.cancel],
      defaultId: 0,
      cancelId: 3,
      noLink: true
    })
    this.#isAsking = false
    if (response === 0) this.#keep()
    if (response === 1) await this.#end('pause')
    if (response === 2) await this.#end('stop')
  }

  #keep(): void {
    const { tray } = this.#options.texts()
    this.#tray ??= new Tray(nativeImage.createFromPath(join(places.resources, 'icon.png')).resize({ width: 22 }))
    this.#tray.setToolTip('2DQuant Studio')
    this.#tray.setContextMenu(
      Menu.buildFromTemplate([
        { label: tray.show, click: this.#options.show },
        {
          label: tray.quit,
          click: () => {
            app.quit()
          }
        }
      ])
    )
    this.#tray.on('click', this.#options.show)
    for (const window of BrowserWindow.getAllWindows()) window.destroy()
  }

  async #end(how: 'pause' | 'stop'): Promise<void> {
    if (this.#isEnding) return
    this.#isEnding = true
    await this.#options.engine.end(how)
    this.#isSettled = true
    app.quit()
  }
}
