import { app, session } from 'electron'
import log from 'electron-log/main'
import { isPage } from './channels'

/** What a window is made with, so that its page can do nothing but what the preload offers. */
export const webPreferences = {
  sandbox: true,
  contextIsolation: true,
  nodeIntegration: false,
  nodeIntegrationInWorker: false,
  nodeIntegrationInSubFrames: false,
  webSecurity: true,
  allowRunningInsecureContent: false,
  webviewTag: false,
  navigateOnDragDrop: false,
  spellcheck: false
} as const satisfies Electron.WebPreferences

/** Holds for every page there will ever be: it stays where it is, opens nothing, embeds nothing, and is permitted nothing. */
export function lockDown(): void {
  app.on('web-contents-created', (_, contents) => {
    contents.on('will-navigate', (event) => {
      if (isPage(event.url)) return
      log.warn(`Refused to go to ${event.url}`)
      event.preventDefault()
    })
    contents.on('will-redirect', (event) => {
      if (!isPage(event.url)) event.preventDefault()
    })
    contents.on('will-attach-webview', (event) => {
      event.preventDefault()
    })
    contents.setWindowOpenHandler(({ url }) => {
      log.warn(`Refused to open ${url}`)
      return { action: 'deny' }
    })
  })
  session.defaultSession.setPermissionRequestHandler((_contents, _permission, callback) => {
    callback(false)
  })
  session.defaultSession.setPermissionCheckHandler(() => false)
  session.defaultSession.setDevicePermissionHandler(() => false)
}
