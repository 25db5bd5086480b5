import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Answers one request. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** A server on this machine that answers as a test would have it, request by request. */
export interface FileServer {
  readonly address: string
  /** What it does next. */
  answer: Answer
  close(): void
}

export async function startFileServer(answer: Answer): Promise<FileServer> {
  const server = createServer((request, response) => {
    started.answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const started: FileServer = {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answer,
    close: () => {
      server.closeAllConnections()
      server.close()
    }
  }
  return started
}

/** Sends a file from where it is asked for, but no more than so many bytes before the connection is cut. */
export function sendingOf(content: Uint8Array, most = Infinity, heedsRange = true): Answer {
  return ({ headers }, response) => {
    const from = heedsRange ? Number(/bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0) : 0
    const rest = content.subarray(from)
    const range = `bytes ${from}-${content.length - 1}/${content.length}`
    response.writeHead(from > 0 ? 206 : 200, {
      'content-length': rest.length,
      ...(from > 0 && { 'content-range': range })
    })
    response.write(rest.subarray(0, most), () => {
      if (most < rest.length) response.destroy()
      else response.end()
    })
  }
}
