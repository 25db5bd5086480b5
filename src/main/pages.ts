import { protocol } from 'electron'
import { browserHost, filesInBrowser, imageScheme, pageHost, pageScheme } from '../contract/names'
import { notFound, serveFile, webAssemblyPolicy } from './served-file'

const pageTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.json': 'application/json'
}
const browserTypes: Readonly<Record<string, string>> = { ...pageTypes, '.wasm': 'application/wasm' }
const pictureTypes: Readonly<Record<string, string>> = { '.png': 'image/png', '.webp': 'image/webp' }
const exportTypes: Readonly<Record<string, string>> = { ...pictureTypes, '.onnx': 'application/octet-stream' }

/** Must be called before the app is ready. */
export function registerSchemes(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: pageScheme, privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } },
    { scheme: imageScheme, privileges: { standard: true, secure: true, corsEnabled: true } }
  ])
}

/**
 * Serves our pages from their folder, and pictures from the folders of known runs.
 *
 * @param folderOf the folder of a run by its key; undefined where it is not known
 */
export function servePages(pages: string, folderOf: (key: string) => string | undefined): void {
  protocol.handle(pageScheme, async ({ url }) => {
    const { host, pathname } = new URL(url)
    if (host === pageHost) return serveFile(pages, pathname, pageTypes)
    return host === browserHost ? serveToBrowser(pathname) : notFound()
  })
  /** Our pages with WebAssembly, and below /run/KEY/ files of runs. */
  async function serveToBrowser(pathname: string): Promise<Response> {
    if (!pathname.startsWith(filesInBrowser)) return serveFile(pages, pathname, browserTypes, webAssemblyPolicy)
    const [key = '', ...path] = pathname.slice(filesInBrowser.length).split('/')
    const folder = folderOf(key)
    return folder === undefined ? notFound() : serveFile(folder, path.join('/'), exportTypes)
  }
  protocol.handle(imageScheme, async ({ url }) => {
    const { host, pathname } = new URL(url)
    const folder = folderOf(host)
    return folder === undefined ? notFound() : serveFile(folder, pathname, pictureTypes)
  })
}
