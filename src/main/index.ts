import { app, BrowserWindow } from 'electron'
await app.whenReady()
new BrowserWindow({ width: 1280, height: 800 })
