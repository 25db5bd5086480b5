import { readFile, realpath } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'
import { protocol } from 'electron'
import { imageScheme, pageScheme } from '../contract/channels'

/**
 * What pages may load: themselves, and pictures of runs. Scripts come from our files alone; styles may stand in attributes,
 * as charts and pop-ups are placed by them.
 */
export const contentSecurityPolicy = [
  `default-src 'none'`,
  `script-src 'self'`,
  `style-src 'self' 'unsafe-inline'`,
  `img-src 'self' data: ${imageScheme}:`,
  `font-src 'self'`,
  `connect-src 'self'`,
  `base-uri 'none'`,
  `form-action 'none'`,
  `frame-ancestors 'none'`
].join('; ')

const pageTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.json': 'application/json'
}
const pictureTypes: Readonly<Record<string, string>> = { '.png': 'image/png', '.webp': 'image/webp' }

/** Must be called before the app is ready. */
export function registerSchemes(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: pageScheme, privileges: { standard: true, secure: true, supportFetchAPI: true } },
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
    return host === 'app' ? serveFile(pages, pathname, pageTypes) : notFound()
  })
  protocol.handle(imageScheme, async ({ url }) => {
    const { host, pathname } = new URL(url)
    const folder = folderOf(host)
    return folder === undefined ? notFound() : serveFile(folder, pathname, pictureTypes)
  })
}

/** A file below a folder, of one of the kinds; anything else is not found, links that lead out of the folder included. */
export async function serveFile(
  folder: string,
  pathname: string,
  types: Readonly<Record<string, string>>
): Promise<Response> {
  const type = types[extname(pathname).toLowerCase()]
  if (type === undefined) return notFound()
  try {
    const root = await realpath(folder)
    const path = await realpath(join(root, decodeURIComponent(pathname)))
    if (!path.startsWith(root + sep)) return notFound()
    const headers = {
      'Content-Type': type,
      'Content-Security-Policy': contentSecurityPolicy,
      'X-Content-Type-Options': 'nosniff',
      // Pictures are drawn into canvases of our pages.
      'Access-Control-Allow-Origin': `${pageScheme}://app`
    }
    return new Response(await readFile(path), { headers })
  } catch {
    return notFound()
  }
}

function notFound(): Response {
  return new Response(null, { status: 404 })
}
