import { parentPort, workerData } from 'node:worker_threads'
import { StudioError } from '../core/errors'
import type { NamedTensors } from '../core/runtime'
import { onnxruntimeCpu } from './onnxruntime'
import type { RunRequest, ThreadAnswer, ThreadData } from './threaded-session'

/** The program of a thread that holds one session and runs it as asked. */
async function answer(id: number, compute: () => Promise<NamedTensors>): Promise<void> {
  let message: ThreadAnswer
  try {
    message = { id, results: await compute() }
  } catch (error) {
    const { code, message: text } = error instanceof StudioError ? error : new StudioError('failed', String(error))
    message = { id, failure: { code, message: text } }
  }
  parentPort?.postMessage(message)
}

const { graph, options } = workerData as ThreadData
const loading = onnxruntimeCpu.load(graph, options)
void answer(0, () => loading.then(() => new Map()))
parentPort?.on('message', ({ id, feeds, outputs }: RunRequest) => {
  void answer(id, async () => (await loading).run(feeds, outputs === undefined ? {} : { outputs }))
})
