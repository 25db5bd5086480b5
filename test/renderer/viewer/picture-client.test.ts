import { describe, expect, it } from 'vitest'
import type { EngineError } from '../../../src/renderer/engine/client'
import { PictureClient } from '../../../src/renderer/viewer/picture-client'
import { pairedPorts } from '../../engine/service/paired-ports'

const source = { kind: 'file', path: '/a.png' } as const
const outcome = (call: Promise<unknown>): Promise<unknown> =>
  call.catch((error: unknown) => [(error as EngineError).code, (error as EngineError).message])

/** A window whose main process starts a process that answers every call with its own number. */
class Studio {
  started = 0
  fails = false
  #end: () => void = () => undefined
  readonly client: PictureClient = new PictureClient(async () => {
    await Promise.resolve()
    if (this.fails) throw new Error('There is no such file.')
    this.started++
    const size = { width: this.started, height: 1 }
    const { client, server } = pairedPorts()
    server.listen(
      (message) => {
        server.post({ kind: 'result', id: (message as { readonly id: number }).id, value: size })
      },
      () => undefined
    )
    this.#end = () => {
      server.close()
    }
    this.client.connect(client)
    this.deliver = () => {
      while (server.deliver() || client.deliver());
    }
  })

  deliver: () => void = () => undefined

  end(): void {
    this.#end()
  }

  async open(): Promise<unknown> {
    const call = outcome(this.client.call('pictures.open', { source }))
    await Promise.resolve()
    await Promise.resolve()
    this.deliver()
    return call
  }
}

describe('PictureClient', () => {
  it('has the process started by the first call, and only by it', async () => {
    const studio = new Studio()
    expect(studio.started).toBe(0)
    const first = studio.client.call('pictures.open', { source })
    expect(await studio.open()).toEqual({ width: 1, height: 1 })
    expect(await first).toEqual({ width: 1, height: 1 })
    expect(studio.started).toBe(1)
  })

  it('loses what is pending when the process ends, and has the next call start another', async () => {
    const studio = new Studio()
    await studio.open()
    const pending = outcome(studio.client.call('pictures.open', { source }))
    studio.end()
    expect(await pending).toEqual(['lost', 'The process that reads pictures has ended.'])
    expect(studio.started).toBe(1)
    expect(await studio.open()).toEqual({ width: 2, height: 1 })
  })

  it('says why there is no process, and asks again at the next call', async () => {
    const studio = new Studio()
    studio.fails = true
    expect(await studio.open()).toEqual(['lost', 'There is no such file.'])
    studio.fails = false
    expect(await studio.open()).toEqual({ width: 1, height: 1 })
  })

  it('has nothing started by a call that was given up before', async () => {
    const studio = new Studio()
    const given = studio.client.call('pictures.open', { source }, AbortSignal.abort())
    expect(await outcome(given)).toEqual(['cancelled', expect.any(String)])
    await Promise.resolve()
    expect(studio.started).toBe(0)
  })
})
