import { describe, expect, it } from 'vitest'
import { checkSecurity, readSources } from '../../scripts/lint-security.mjs'

const sources = readSources()
const failing = (changed: ReadonlyMap<string, string>): readonly string[] =>
  checkSecurity(changed).flatMap(({ entry, faults }) => (faults.length > 0 ? [entry.split('.')[0] ?? ''] : []))

describe('lint:security', () => {
  it('goes through all twenty entries of the checklist, and finds nothing here', () => {
    expect(checkSecurity(sources).map(({ entry }) => Number(entry.split('.')[0]))).toEqual(
      Array.from({ length: 20 }, (_, i) => i + 1)
    )
    expect(failing(sources)).toEqual([])
  })

  const security = 'src/main/security.ts'
  it.each([
    ['1', 'src/main/window.ts', 'void window.loadURL(`${pageOrigin}/index.html`)', `void window.loadURL('http://a.b')`],
    ['2', security, 'nodeIntegration: false', 'nodeIntegration: true'],
    ['2', security, 'nodeIntegrationInWorker: false,', ''],
    ['3', security, 'contextIsolation: true', 'contextIsolation: false'],
    ['3', 'src/main/window.ts', '...webPreferences, ', ''],
    ['4', security, 'sandbox: true', 'sandbox: false'],
    ['5', security, 'callback(false)', 'callback(true)'],
    ['5', security, 'setPermissionCheckHandler(() => false)', 'setPermissionCheckHandler(() => true)'],
    ['6', security, 'webSecurity: true', 'webSecurity: false'],
    ['7', 'src/main/served-file.ts', `script-src 'self'`, `script-src 'self' 'unsafe-eval'`],
    ['7', 'src/main/served-file.ts', `'Content-Security-Policy': policy,`, ''],
    ['7', 'src/main/served-file.ts', `'self' 'wasm-unsafe-eval'`, `'self' 'unsafe-eval'`],
    ['7', 'src/main/pages.ts', 'Must be called', `'wasm-unsafe-eval'`],
    ['8', security, 'allowRunningInsecureContent: false', 'allowRunningInsecureContent: true'],
    ['9', security, 'spellcheck: false', 'experimentalFeatures: true'],
    ['10', security, 'spellcheck: false', `enableBlinkFeatures: 'All'`],
    ['11', 'src/renderer/App.vue', '<RouterView :key="opened" />', '<webview allowpopups />'],
    ['12', security, `'will-attach-webview'`, `'did-attach-webview'`],
    ['13', security, `'will-navigate'`, `'did-navigate'`],
    ['14', security, `action: 'deny'`, `action: 'allow'`],
    ['15', 'src/main/index.ts', 'shell.openPath(path)', 'shell.openExternal(path)'],
    ['16', 'package.json', '"electron": "', '"electron": "^'],
    ['17', 'src/main/channels.ts', 'if (!isOurs(event)) {', 'if (false) {'],
    ['17', 'src/main/channels.ts', 'requests[request].args.parse(args)', 'args'],
    ['18', 'src/main/window.ts', 'window.loadURL(`${pageOrigin}/index.html`)', `window.loadFile('index.html')`],
    ['19', 'electron-builder.config.mjs', 'runAsNode: false', 'runAsNode: true'],
    ['20', 'src/preload/index.ts', '  start: ()', '  ipc: ipcRenderer,\n  start: ()'],
    ['20', 'src/renderer/pages/RunPage.vue', '<header', '<header v-html="folder"']
  ])('%s: sees what is wrong in %s', (entry, path, right, wrong) => {
    const text = sources.get(path) ?? ''
    expect(text).toContain(right)
    expect(failing(new Map([...sources, [path, text.replace(right, wrong)]]))).toContain(entry)
  })
})
