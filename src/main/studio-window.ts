import type { BrowserWindow, WebContents } from 'electron'
import type { Notice, NoticeValue, StudioDocument } from '../contract/channels'
import { notify } from './channels'
import type { Store } from './store'
import { openWindow } from './window'

/** The app's one window. It may be closed while the program goes on; what is to be shown then waits for the next one. */
export class StudioWindow {
  readonly #store: Store
  readonly #onOpened: (window: BrowserWindow) => void
  #window: BrowserWindow | null = null
  /** Whether its page has asked to begin, and hears what it is told. */
  #listens = false
  #waiting: { readonly [N in Notice]?: NoticeValue<N> } = {}

  /** @param onOpened is given every new window */
  constructor(store: Store, onOpened: (window: BrowserWindow) => void) {
    this.#store = store
    this.#onOpened = onOpened
  }

  /** Null while there is none. */
  get current(): BrowserWindow | null {
    return this.#window
  }

  /** Brings the window to the front, and opens it where there is none. */
  show(): void {
    if (this.#window === null) {
      this.#open()
      return
    }
    if (this.#window.isMinimized()) this.#window.restore()
    this.#window.show()
    this.#window.focus()
  }

  /** Tells the page something, where there is one. */
  tell<N extends Notice>(notice: N, value: NoticeValue<N>): void {
    if (this.#window !== null && this.#listens) notify(this.#window, notice, value)
  }

  /** Shows the window, and tells its page as soon as it listens. */
  showWith<N extends 'document' | 'command'>(notice: N, value: NoticeValue<N>): void {
    this.show()
    if (this.#listens) this.tell(notice, value)
    else this.#waiting = { ...this.#waiting, [notice]: value }
  }

  /** Shows a document; only the window where there is none. */
  showDocument(document: StudioDocument | null): void {
    if (document === null) this.show()
    else this.showWith('document', document)
  }

  /** A page listens from now on; what waits is told once it was answered. Null where it is none of this window. */
  begin(contents: WebContents): BrowserWindow | null {
    if (this.#window?.webContents !== contents) return null
    this.#listens = true
    const { document, command } = this.#waiting
    this.#waiting = {}
    setImmediate(() => {
      if (document !== undefined) this.tell('document', document)
      if (command !== undefined) this.tell('command', command)
    })
    return this.#window
  }

  #open(): void {
    const window = openWindow(this.#store)
    this.#window = window
    this.#listens = false
    window.once('closed', () => {
      this.#window = null
      this.#listens = false
    })
    this.#onOpened(window)
  }
}
