import { app, Menu, shell, type MenuItemConstructorOptions } from 'electron'
import log from 'electron-log/main'
import type { NoticeValue } from '../contract/channels'
import type { textsOf } from './texts'

/** What menu entries do. */
export interface MenuActions {
  readonly command: (command: NoticeValue<'command'>) => void
  readonly openModel: () => void
  readonly openRun: () => void
  readonly copyDiagnostics: () => void
}

/** Sets the app's menu, with a shortcut for each entry. */
export function setMenu({ menu }: ReturnType<typeof textsOf>, actions: MenuActions): void {
  const item = (label: string, accelerator: string, click: () => void): MenuItemConstructorOptions => {
    return { label, accelerator, click }
  }
  const isMac = process.platform === 'darwin'
  const template: MenuItemConstructorOptions[] = [
    ...(isMac ? [{ role: 'appMenu' } as const] : []),
    {
      label: menu.file,
      submenu: [
        item(menu.new, 'CmdOrCtrl+N', () => {
          actions.command('new')
        }),
        item(menu.openModel, 'CmdOrCtrl+O', actions.openModel),
        item(menu.openRun, 'CmdOrCtrl+Shift+O', actions.openRun),
        { role: 'recentDocuments', submenu: [{ role: 'clearRecentDocuments' }], visible: isMac },
        { type: 'separator' },
        item(menu.demo, 'CmdOrCtrl+D', () => {
          actions.command('demo')
        }),
        item(menu.settings, 'CmdOrCtrl+,', () => {
          actions.command('settings')
        }),
        { type: 'separator' },
        isMac
          ? { role: 'close' }
          : {
              label: menu.quit,
              accelerator: 'CmdOrCtrl+Q',
              click: () => {
                app.quit()
              }
            }
      ]
    },
    {
      label: menu.edit,
      submenu: [
        { role: 'undo', label: menu.undo },
        { role: 'redo', label: menu.redo },
        { type: 'separator' },
        { role: 'cut', label: menu.cut },
        { role: 'copy', label: menu.copy },
        { role: 'paste', label: menu.paste },
        { role: 'selectAll', label: menu.selectAll }
      ]
    },
    {
      label: menu.view,
      submenu: [
        item(menu.home, 'CmdOrCtrl+1', () => {
          actions.command('home')
        }),
        item(menu.runs, 'CmdOrCtrl+2', () => {
          actions.command('runs')
        }),
        { type: 'separator' },
        { role: 'resetZoom', label: menu.actualSize },
        { role: 'zoomIn', label: menu.zoomIn },
        { role: 'zoomOut', label: menu.zoomOut },
        { role: 'togglefullscreen', label: menu.fullScreen },
        { role: 'toggleDevTools', label: menu.developerTools }
      ]
    },
    {
      label: menu.help,
      role: 'help',
      submenu: [
        { label: menu.diagnostics, click: actions.copyDiagnostics },
        {
          label: menu.logs,
          click: () => {
            shell.showItemInFolder(log.transports.file.getFile().path)
          }
        }
      ]
    }
  ]
  Menu.setApplicationMenu(Menu.buildFromTemplate(template))
}
