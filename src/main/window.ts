import { BrowserWindow, nativeTheme, screen } from 'electron'
import { pageOrigin, places } from './places'
import { webPreferences } from './security'
import type { Store, WindowState } from './store'

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
    // What is seen before the page is drawn.
    backgroundColor: nativeTheme.shouldUseDarkColors ? '#18181b' : '#ffffff',
    webPreferences: { ...webPreferences, preload: places.preload }
  })
  if (state?.isMaximized === true) window.maximize()
  window.once('ready-to-show', () => {
    window.show()
  })
  window.on('close', () => {
    store.window = { ...window.getNormalBounds(), isMaximized: window.isMaximized() }
  })
  void window.loadURL(`${pageOrigin}/index.html`)
  return window
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
