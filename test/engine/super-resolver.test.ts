import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { OutOfMemoryError } from '../../src/core/errors'
import { estimateMemory } from '../../src/core/evaluation/memory'
import { makeImage } from '../../src/core/imaging/image'
import { detectModel } from '../../src/core/models/detect'
import type { Session } from '../../src/core/runtime'
import { superResolver } from '../../src/engine/super-resolver'
import { readSafetensors } from '../../src/formats/safetensors'
import { onnxruntimeCpu } from '../../src/runtimes/onnxruntime'

const file = join(import.meta.dirname, '..', '..', 'resources', 'models', 'swinir-tiny-x4.safetensors')
const model = detectModel(readSafetensors(readFileSync(file), file), file)
const picture = makeImage(150, 70, 3, (channel, y, x) => 128 + 100 * Math.sin((x + 2 * y + 30 * channel) / 7))

/** A session that has memory for so many pixels alone, and the sizes it was asked for. */
async function shortSession(pixels: number): Promise<{ readonly session: Session; readonly sizes: string[] }> {
  const real = await onnxruntimeCpu.load(model.graph)
  const sizes: string[] = []
  const session: Session = {
    run: async (feeds, options) => {
      const [, , height = 0, width = 0] = feeds.get('lr')?.shape ?? []
      sizes.push(`${width}×${height}`)
      if (width * height > pixels) throw new OutOfMemoryError('no memory')
      return real.run(feeds, options)
    },
    dispose: () => real.dispose()
  }
  return { session, sizes }
}

describe('where memory is short', () => {
  it('tiles become smaller until they fit, for the pictures that follow as well, and that is said', async () => {
    const warnings: string[] = []
    const { session, sizes } = await shortSession(6000)
    const resolver = superResolver(session, model, Infinity, (message) => warnings.push(message))
    const found = await resolver.enlarge(picture)
    expect(sizes[0]).toBe('152×72')
    expect(warnings).toEqual(['Memory was short for what pictures were cut into; it goes on with smaller tiles.'])

    const first = sizes.splice(0).slice(1)
    expect(await resolver.enlarge(picture)).toEqual(found)
    expect(sizes).toEqual(first)
    expect(warnings).toHaveLength(1)

    const cap = estimateMemory(model.graph).peakBytes(152, 72) / 2
    const planned = superResolver(session, model, cap)
    expect(planned.tileCount(150, 70)).toBe(first.length)
    expect(await planned.enlarge(picture)).toEqual(found)
    await session.dispose()
  })

  it('for the smallest tiles, too, the work fails', async () => {
    const warnings: string[] = []
    const { session, sizes } = await shortSession(100)
    const resolver = superResolver(session, model, Infinity, (message) => warnings.push(message))
    await expect(resolver.enlarge(picture)).rejects.toBeInstanceOf(OutOfMemoryError)
    expect(new Set(sizes).size).toBe(sizes.length)
    expect(warnings).toHaveLength(sizes.length - 1)
    await session.dispose()
  })
})
