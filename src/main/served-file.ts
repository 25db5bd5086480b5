import { readFile, realpath } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'
import { imageScheme, pageHost, pageScheme } from '../contract/names'

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

/** The same for the one window that shows what browsers make of an exported file: onnxruntime-web is WebAssembly. */
export const webAssemblyPolicy = contentSecurityPolicy.replace(
  `script-src 'self'`,
  `script-src 'self' 'wasm-unsafe-eval'`
)

/** A file below a folder, of one of the kinds; anything else is not found, links that lead out of the folder included. */
export async function serveFile(
  folder: string,
  pathname: string,
  types: Readonly<Record<string, string>>,
  policy = contentSecurityPolicy
): Promise<Response> {
  const type = types[extname(pathname).toLowerCase()]
  if (type === undefined) return notFound()
  try {
    const contents = await readWithin(folder, decodeURIComponent(pathname), Object.keys(types))
    if (contents === null) return notFound()
    const headers = {
      'Content-Type': type,
      'Content-Security-Policy': policy,
      'X-Content-Type-Options': 'nosniff',
      // Pictures are drawn into canvases of our pages.
      'Access-Control-Allow-Origin': `${pageScheme}://${pageHost}`
    }
    return new Response(contents, { headers })
  } catch {
    return notFound()
  }
}

/** What is in a file below a folder, of one of the endings; null for anything else, and for links that lead out of it. */
export async function readWithin(
  folder: string,
  file: string,
  endings: readonly string[]
): Promise<Buffer<ArrayBuffer> | null> {
  if (!endings.includes(extname(file).toLowerCase())) return null
  const root = await realpath(folder)
  const path = await realpath(join(root, file)).catch(() => null)
  return path?.startsWith(root + sep) === true ? readFile(path) : null
}

export function notFound(): Response {
  return new Response(null, { status: 404 })
}
