import { app, type BrowserWindow, type UtilityProcess } from 'electron'
import log from 'electron-log/main'
import { picturePortMessage } from '../contract/names'
import { connect } from './channels'
import { startService } from './service-process'

/**
 * The process that reads pictures for windows. It holds nothing that is not on disk: it is started when a window first asks
 * for it, and where it ended, because it was not needed or unasked, when a window asks again.
 */
export class PictureProcess {
  readonly #file: string
  #process: UtilityProcess | null = null

  /** @param file its entry */
  constructor(file: string) {
    this.#file = file
    app.once('will-quit', () => this.#process?.kill())
  }

  /** Gives a window a port to the process. */
  connect(window: BrowserWindow): void {
    this.#process ??= this.#start()
    connect(window, this.#process, picturePortMessage)
  }

  #start(): UtilityProcess {
    const started = startService(this.#file, 'pictures')
    started.once('exit', (code) => {
      if (this.#process === started) this.#process = null
      if (code !== 0) log.error(`The process that reads pictures ended with code ${code}`)
    })
    return started
  }
}
