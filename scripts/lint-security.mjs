// Goes through Electron's own security checklist (https://www.electronjs.org/docs/latest/tutorial/security, in its order)
// and says for each entry whether the sources keep to it. What only shows at run time is tested in
// test/e2e/security.spec.ts. `npm run lint:security`
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { isStarted } from './is-started.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const folders = ['src/main', 'src/preload', 'src/renderer']

/** What the checks look at: every source of the processes with windows, the packaging, and the manifest, by path. */
export function readSources() {
  const paths = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.(ts|vue|html)$/.test(path))
      .map((path) => `${folder}/${path.replaceAll('\\', '/')}`)
  )
  const all = [...paths, 'electron-builder.config.mjs', 'package.json']
  return new Map(
    all.filter((path) => existsSync(join(root, path))).map((path) => [path, readFileSync(join(root, path), 'utf8')])
  )
}

/** All nodes of a TypeScript source. */
function* nodesOf(path, text) {
  const stack = [ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)]
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    yield node
    ts.forEachChild(node, (child) => {
      stack.push(child)
    })
  }
}

/** The program as the checks ask of it. */
class Program {
  #sources

  constructor(sources) {
    this.#sources = sources
  }

  text(path) {
    return this.#sources.get(path) ?? ''
  }

  /** Paths whose text matches. */
  where(pattern, except = []) {
    return [...this.#sources]
      .filter(([path, text]) => path.startsWith('src/') && !except.includes(path) && pattern.test(text))
      .map(([path]) => path)
  }

  nodes(kind) {
    return [...this.#sources]
      .filter(([path]) => path.endsWith('.ts'))
      .flatMap(([path, text]) =>
        [...nodesOf(path, text)].filter((node) => node.kind === kind).map((node) => ({ path, node }))
      )
  }

  /** Calls of a method or function by its name. */
  calls(name) {
    return this.nodes(ts.SyntaxKind.CallExpression).filter(({ node: { expression } }) =>
      ts.isPropertyAccessExpression(expression) ? expression.name.text === name : expression.getText() === name
    )
  }

  /** The properties of the object by which every window is made safe. */
  get preferences() {
    const path = 'src/main/security.ts'
    for (const node of nodesOf(path, this.text(path))) {
      if (!ts.isVariableDeclaration(node) || node.name.getText() !== 'webPreferences') continue
      const entries = [...nodesOf(path, this.text(path))].filter(
        (each) => ts.isPropertyAssignment(each) && each.pos > node.pos && each.end < node.end
      )
      return new Map(entries.map((entry) => [entry.name.getText(), entry.initializer.getText()]))
    }
    return new Map()
  }
}

const is = (program, name, value) =>
  program.preferences.get(name) === String(value) ? [] : [`webPreferences.${name} is not ${value}`]
const nowhere = (program, pattern, what, except) => program.where(pattern, except).map((path) => `${path} ${what}`)
const handlesAll = (program, event) => {
  const handlers = program.calls('on').filter(({ node }) => node.arguments[0]?.getText() === `'${event}'`)
  const isPrevented = handlers.some(({ node }) => node.arguments[1]?.getText().includes('preventDefault'))
  return isPrevented ? [] : [`nothing prevents "${event}"`]
}

/** The checklist: what each entry demands, and how that is found out; a check returns what is wrong. */
const checklist = [
  // Names of XML's vocabularies look like addresses, and are none.
  ['1. Only load secure content', (p) => nowhere(p, /['"`]http:\/\/(?!www\.w3\.org\/)/, 'names an http address')],
  [
    '2. Do not enable Node.js integration',
    (p) =>
      ['nodeIntegration', 'nodeIntegrationInWorker', 'nodeIntegrationInSubFrames'].flatMap((name) => is(p, name, false))
  ],
  [
    '3. Enable context isolation',
    (p) => [
      ...is(p, 'contextIsolation', true),
      ...p
        .nodes(ts.SyntaxKind.NewExpression)
        .filter(({ node }) => /^(BrowserWindow|WebContentsView|BrowserView)$/.test(node.expression.getText()))
        .filter(({ node }) => !/webPreferences: \{ \.\.\.webPreferences\b/.test(node.getText()))
        .map(({ path }) => `${path} opens a window without ...webPreferences`),
      ...nowhere(
        p,
        /\b(nodeIntegration\w*|contextIsolation|sandbox|webSecurity)\s*:/,
        'sets what src/main/security.ts sets for all windows',
        ['src/main/security.ts']
      )
    ]
  ],
  [
    '4. Enable process sandboxing',
    (p) => [...is(p, 'sandbox', true), ...nowhere(p, /no-sandbox/, 'turns the sandbox off')]
  ],
  [
    '5. Handle session permission requests',
    (p) => {
      const handlers = p.calls('setPermissionRequestHandler')
      const denies = handlers.some(
        ({ node }) => /callback\(false\)/.test(node.getText()) && !/callback\(true\)/.test(node.getText())
      )
      const checks = p.calls('setPermissionCheckHandler').some(({ node }) => /=> false/.test(node.getText()))
      return denies && checks ? [] : ['permissions are not denied']
    }
  ],
  [
    '6. Do not disable webSecurity',
    (p) => [...is(p, 'webSecurity', true), ...nowhere(p, /disable-web-security/, 'turns webSecurity off')]
  ],
  [
    '7. Define a content security policy',
    (p) => {
      const served = p.text('src/main/served-file.ts')
      const policy = /contentSecurityPolicy = \[([^\]]*)\]/.exec(served)?.[1] ?? ''
      const scripts = /`script-src ([^`]*)`/.exec(policy)?.[1] ?? ''
      return [
        ...(policy.includes("`default-src 'none'`") ? [] : ["the policy does not begin with default-src 'none'"]),
        ...(scripts === "'self'" ? [] : [`scripts come from ${scripts || 'anywhere'}`]),
        ...(served.includes('policy = contentSecurityPolicy') && served.includes("'Content-Security-Policy': policy")
          ? []
          : ['files are served without the policy']),
        ...nowhere(p, /unsafe-eval/, 'lets pages evaluate code', ['src/main/served-file.ts']),
        ...(/(?<!wasm-)unsafe-eval/.test(served) ? ['a policy lets pages evaluate code'] : [])
      ]
    }
  ],
  ['8. Do not enable allowRunningInsecureContent', (p) => is(p, 'allowRunningInsecureContent', false)],
  ['9. Do not enable experimental features', (p) => nowhere(p, /experimentalFeatures/, 'names experimentalFeatures')],
  [
    '10. Do not use enableBlinkFeatures',
    (p) => nowhere(p, /enableBlinkFeatures|enable-blink-features/, 'enables features of Blink')
  ],
  ['11. Do not use allowpopups for WebViews', (p) => nowhere(p, /allowpopups|<webview/i, 'has a webview')],
  ['12. Verify WebView options', (p) => [...is(p, 'webviewTag', false), ...handlesAll(p, 'will-attach-webview')]],
  [
    '13. Disable or limit navigation',
    (p) => ['will-navigate', 'will-redirect'].flatMap((event) => handlesAll(p, event))
  ],
  [
    '14. Disable or limit creation of new windows',
    (p) => {
      const handlers = p.calls('setWindowOpenHandler')
      const denies =
        handlers.length > 0 &&
        handlers.every(
          ({ node }) => node.getText().includes("action: 'deny'") && !node.getText().includes("action: 'allow'")
        )
      return denies ? [] : ['new windows are not denied']
    }
  ],
  ['15. Do not use shell.openExternal with untrusted content', (p) => nowhere(p, /openExternal/, 'uses openExternal')],
  [
    '16. Use a current version of Electron',
    (p) => {
      const version = JSON.parse(p.text('package.json')).devDependencies?.electron ?? ''
      return /^\d+\.\d+\.\d+$/.test(version) && Number(version.split('.')[0]) >= 45
        ? []
        : [`electron is ${version || 'not pinned'}`]
    }
  ],
  [
    '17. Validate the sender of all IPC messages',
    (p) => [
      ...nowhere(p, /\bipcMain\b/, 'uses ipcMain', ['src/main/channels.ts']),
      ...(/if \(!isOurs\(event\)\) \{.*?return \{ failure/s.test(p.text('src/main/channels.ts'))
        ? []
        : ['the sender is not checked']),
      ...(/requests\[request\]\.args\.parse\(/.test(p.text('src/main/channels.ts'))
        ? []
        : ['arguments are not checked'])
    ]
  ],
  [
    '18. Avoid the file protocol',
    (p) => nowhere(p, /\.loadFile\(|loadURL\([^)]*file:/, 'loads a page by the file protocol')
  ],
  [
    '19. Check which fuses you can change',
    (p) => {
      const config = p.text('electron-builder.config.mjs')
      const wanted = {
        runAsNode: 'false',
        enableNodeOptionsEnvironmentVariable: 'false',
        onlyLoadAppFromAsar: 'true',
        grantFileProtocolExtraPrivileges: 'false'
      }
      return Object.entries(wanted).flatMap(([name, value]) =>
        new RegExp(`${name}: ${value}`, 'i').test(config) ? [] : [`the fuse ${name} is not ${value}`]
      )
    }
  ],
  [
    '20. Do not expose Electron APIs to untrusted web content',
    (p) => [
      ...nowhere(p, /\bipcRenderer\b|\bcontextBridge\b/, 'uses what the preload alone may', ['src/preload/index.ts']),
      ...(/exposeInMainWorld\([^)]*ipcRenderer|:\s*ipcRenderer\b/.test(p.text('src/preload/index.ts'))
        ? ['the preload exposes ipcRenderer']
        : []),
      ...nowhere(p, /v-html|innerHTML/, 'inserts HTML that is not its own')
    ]
  ]
]

/** Every entry of the checklist with what is wrong; an empty list is good. */
export function checkSecurity(sources) {
  const program = new Program(sources)
  return checklist.map(([entry, check]) => ({ entry, faults: check(program) }))
}

if (isStarted(import.meta.url)) {
  const results = checkSecurity(readSources())
  for (const { entry, faults } of results)
    console.log(
      `${faults.length === 0 ? 'ok    ' : 'FAILED'} ${entry}${faults.map((fault) => `\n         ${fault}`).join('')}`
    )
  process.exitCode = results.some(({ faults }) => faults.length > 0) ? 1 : 0
}
