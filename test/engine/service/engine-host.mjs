// Runs the built engine in a worker thread or a child process of Node, with what Electron's utility processes would give it:
// process.parentPort, whose messages come in envelopes with ports. A child process has one port, over the channel to its
// parent; what is said there is marked.
import { EventEmitter } from 'node:events'
import { parentPort as thread } from 'node:worker_threads'

/** A port whose messages come in envelopes. */
const enveloped = (port) => ({
  postMessage: (message) => port.postMessage(message),
  on: (event, listener) => port.on(event, event === 'message' ? (data) => listener({ data }) : listener),
  start: () => port.start(),
  close: () => port.close()
})

function threadParent() {
  return {
    postMessage: (message) => thread.postMessage(message),
    on: (event, listener) =>
      thread.on(event, ({ data, port }) => listener({ data, ports: port === undefined ? [] : [enveloped(port)] }))
  }
}

function processParent() {
  const port = new EventEmitter()
  port.postMessage = (data) => process.send({ to: 'port', data })
  port.start = () => undefined
  port.close = () => undefined
  return {
    postMessage: (data) => process.send({ to: 'parent', data }),
    on: (_, listener) =>
      process.on('message', ({ to, data }) => {
        if (to === 'port') port.emit('message', data)
        else listener({ data, ports: data.kind === 'connect' ? [enveloped(port)] : [] })
      })
  }
}

process.parentPort = thread === null ? processParent() : threadParent()
await import('../../../out/engine.mjs')
