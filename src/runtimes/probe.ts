import { probeRuntime } from './probe-network'
import { runtimeNamed, runtimeOf } from './select'

/** The channel to the app that started this process; within Node.js there is none. */
const { parentPort } = process as { readonly parentPort?: { postMessage(message: unknown): void } }

// Tries one runtime, given by its name and device, and tells what came of it: the app, or in JSON on a line.
const [name, device = ''] = process.argv.slice(2)
const runtime = runtimeNamed(name)
if (runtime === null) throw new Error(`"${name}" is no runtime`)
const result = await probeRuntime(await runtimeOf(runtime, device), true)
if (parentPort === undefined) {
  process.stdout.write(`${JSON.stringify(result)}\n`, () => {
    // Drivers may keep threads that would keep the process.
    process.exit(0)
  })
} else parentPort.postMessage(result)
