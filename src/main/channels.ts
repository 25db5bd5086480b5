import { ipcMain, MessageChannelMain, type BrowserWindow, type IpcMainInvokeEvent, type UtilityProcess } from 'electron'
import log from 'electron-log/main'
import {
  notices,
  requests,
  type Notice,
  type NoticeValue,
  type Request,
  type RequestArgs,
  type RequestResult
} from '../contract/channels'
import type { EngineOrder } from '../contract/engine'
import type { Failure } from '../contract/jobs'
import { pageOrigin } from './places'

/** Answers to every request; `window` is the one that asks. */
export type RequestHandlers = {
  readonly [R in Request]: (
    args: RequestArgs<R>,
    window: Electron.WebContents
  ) => Promise<RequestResult<R>> | RequestResult<R>
}

/** Something that did not work, as the user should read it. */
export class RequestError extends Error {
  override readonly name = 'RequestError'
}

/** Answers requests of our own pages; anyone else's are refused, and arguments are checked. */
export function answerRequests(handlers: RequestHandlers): void {
  for (const request of Object.keys(requests) as Request[]) {
    ipcMain.handle(request, (event, args: unknown) => answer(event, request, args, handlers[request]))
  }
}

async function answer<R extends Request>(
  event: IpcMainInvokeEvent,
  request: R,
  args: unknown,
  handler: RequestHandlers[R]
): Promise<{ readonly value: unknown } | { readonly failure: Failure }> {
  if (!isOurs(event)) {
    log.warn(`Refused "${request}" from ${event.senderFrame?.url ?? 'a frame that is gone'}`)
    return { failure: { code: 'refused', message: 'This page may ask for nothing.' } }
  }
  try {
    const checked = requests[request].args.parse(args) as RequestArgs<R>
    return { value: await handler(checked, event.sender) }
  } catch (error) {
    if (!(error instanceof RequestError)) log.error(request, error)
    const message = error instanceof Error ? error.message : String(error)
    return { failure: { code: 'failed', message } }
  }
}

/** Whether a message comes from the top frame of one of our pages. */
function isOurs({ senderFrame }: IpcMainInvokeEvent): boolean {
  return senderFrame !== null && senderFrame.parent === null && isPage(senderFrame.url)
}

/** Whether an address is one of our pages. */
export function isPage(url: string): boolean {
  return URL.canParse(url) && new URL('/', url).href === new URL('/', pageOrigin).href
}

/** Tells a window something. */
export function notify<N extends Notice>(window: BrowserWindow, notice: N, value: NoticeValue<N>): void {
  if (!window.isDestroyed()) window.webContents.send(notice, notices[notice].parse(value))
}

/** Joins a window to a process of ours by a channel; the window gets its end under the name of a message. */
export function connect(window: BrowserWindow, service: UtilityProcess, message: string): void {
  if (window.isDestroyed()) return
  const { port1, port2 } = new MessageChannelMain()
  service.postMessage({ kind: 'connect' } satisfies EngineOrder, [port1])
  window.webContents.postMessage(message, null, [port2])
}
