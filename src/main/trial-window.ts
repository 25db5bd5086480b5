import { BrowserWindow } from 'electron'
import { browserHost, pageScheme } from '../contract/names'
import type { Trial } from '../contract/trial'
import { webPreferences } from './security'
import { groundColour } from './window'

/**
 * Opens a window that runs an exported file as browsers do. Its page has no preload, and so no way to the program; it closes
 * with the window it was asked for in.
 */
export function openTrial(trial: Trial, parent: BrowserWindow | null): void {
  const window = new BrowserWindow({
    width: 1040,
    height: 760,
    minWidth: 560,
    minHeight: 420,
    show: false,
    ...(parent !== null && { parent }),
    backgroundColor: groundColour(),
    webPreferences: { ...webPreferences }
  })
  window.removeMenu()
  window.once('ready-to-show', () => {
    window.show()
  })
  const asked = new URLSearchParams({ trial: JSON.stringify(trial) })
  // Built pages also where those of the app come from a server that builds them: they need this host's policy.
  void window.loadURL(`${pageScheme}://${browserHost}/trial/index.html?${asked.toString()}`)
}
