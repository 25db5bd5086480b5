import { app, Menu, shell, type MenuItemConstructorOptions } from 'electron'
import log from 'electron-log/main'
import type { NoticeValue } from '../contract/channels'
import { viewerCommands, type ViewerCommand } from '../contract/viewer-commands'
import type { textsOf } from './texts'

/** What menu entries do. */
export interface MenuActions {
  readonly command: (command: NoticeValue<'command'>) => void
  readonly viewer: (command: ViewerCommand) => void
  readonly openModel: () => void
  readonly openRun: () => void
  readonly copyDiagnostics: () => void
}

const viewerItem = (command: ViewerCommand): string => `viewer.${command}`

/** Lets entries of the viewer be chosen while it is shown. */
export function enableViewer(isShown: boolean): void {
  const menu = Menu.getApplicationMenu()
  for (const { id } of viewerCommands) {
    const entry = menu?.getMenuItemById(viewerItem(id)) ?? null
    if (entry !== null) entry.enabled = isShown
  }
}

/** Names of keys as accelerators have them, where pages call them otherwise. */
const keysOfMenus: Readonly<Record<string, string>> = {
  ' ': 'Space',
  '+': 'Plus',
  ArrowLeft: 'Left',
  ArrowRight: 'Right',
  ArrowUp: 'Up',
  ArrowDown: 'Down'
}

/** One entry for each command of the viewer; groups are parted by lines. */
function viewerMenu(
  labels: Readonly<Record<ViewerCommand, string>>,
  choose: (command: ViewerCommand) => void
): MenuItemConstructorOptions[] {
  return viewerCommands.flatMap(({ id, keys: [key], group }, i): MenuItemConstructorOptions[] => {
    const entry: MenuItemConstructorOptions = {
      id: viewerItem(id),
      label: labels[id],
      click: () => {
        choose(id)
      },
      // Shown, not taken: the page hears single keys itself, and text is typed with them. macOS would take them.
      ...(process.platform === 'darwin' ? {} : { accelerator: keysOfMenus[key] ?? key, registerAccelerator: false })
    }
    return i > 0 && viewerCommands[i - 1]?.group !== group ? [{ type: 'separator' }, entry] : [entry]
  })
}

/** Sets the app's menu, with a shortcut for each entry. */
export function setMenu({ menu, viewer }: ReturnType<typeof textsOf>, actions: MenuActions): void {
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
        item(menu.compare, 'CmdOrCtrl+3', () => {
          actions.command('compare')
        }),
        { type: 'separator' },
        { role: 'resetZoom', label: menu.actualSize },
        { role: 'zoomIn', label: menu.zoomIn },
        { role: 'zoomOut', label: menu.zoomOut },
        { role: 'togglefullscreen', label: menu.fullScreen },
        { role: 'toggleDevTools', label: menu.developerTools }
      ]
    },
    { label: menu.compare, submenu: viewerMenu(viewer, actions.viewer) },
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
