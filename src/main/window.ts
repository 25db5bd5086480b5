import { BrowserWindow, nativeTheme, screen } from 'electron'
import log from 'electron-log/main'
import { pageOrigin, places } from './places'
import { webPreferences } from './security'
import type { Store, WindowState } from './store'

/** Times that a page is loaded anew after its process has ended. */
const mostRevivals = 3

const usualSize = { width: 1280, height: 800 }

/** Opens the app's window where it was when it was closed last, as long as that is on a screen. */
export function openWindow(store: Store): BrowserWindow {
  const state = store.window
  const window = new BrowserWindow({
    ...usualSize,
    ...(state !== null && isOnScreen(state) && boundsOf(state)),
    minWidth: 800,
    minHeight: 560,
    show: false,
    backgroundColor: groundColour(),
    webPreferences: { ...webPreferences, preload: places.preload }
  })
  window.once('ready-to-show', () => {
    // This shows it as well.
    if (state?.isMaximized === true) window.maximize()
    window.show()
  })
  window.on('close', () => {
    try {
      store.window = { ...window.getNormalBounds(), isMaximized: window.isMaximized() }
    } catch (error) {
      // A full disk must not keep the question from being asked that comes next.
      log.warn('The place of the window could not be kept', error)
    }
  })
  reviveWhenGone(window)
  void window.loadURL(`${pageOrigin}/index.html`)
  return window
}

/** What is seen of a window before its page is drawn. */
export function groundColour(): string {
  return nativeTheme.shouldUseDarkColors ? '#18181b' : '#ffffff'
}

/** Loads a page anew whose process has ended, at most so often; more would end it again and again. */
function reviveWhenGone(window: BrowserWindow): void {
  let revived = 0
  window.webContents.on('render-process-gone', (_, { reason, exitCode }) => {
    if (reason === 'clean-exit') return
    log.error(`The page ended: ${reason} (${exitCode})`)
    if (++revived <= mostRevivals) window.reload()
  })
}

function boundsOf({ x, y, width, height }: WindowState): Partial<Electron.Rectangle> {
  return { width, height, ...(x !== undefined && y !== undefined && { x, y }) }
}

function isOnScreen({ x, y, width, height }: WindowState): boolean {
  if (x === undefined || y === undefined) return true
  const { workArea } = screen.getDisplayMatching({ x, y, width, height })
  return (
    x < workArea.x + workArea.width - 50 &&
    x + width > workArea.x + 50 &&
    y >= workArea.y - 10 &&
    y < workArea.y + workArea.height - 50
  )
}
