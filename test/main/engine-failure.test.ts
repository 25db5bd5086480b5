import { describe, expect, it } from 'vitest'
import { engineFailure } from '../../src/main/engine-failure'

const gibibyte = 2 ** 30
const roomy = { total: 16 * gibibyte, free: 8 * gibibyte }

describe('an engine that ended', () => {
  it.each([
    ['gave up as V8 does', 133, gibibyte, roomy],
    ['aborted, as on a failed allocation', 134, gibibyte, roomy],
    ['was killed when it took most of the memory', 9, 12 * gibibyte, roomy],
    ['was killed when hardly any memory was free', 137, gibibyte, { total: 16 * gibibyte, free: gibibyte }]
  ])('%s: ran out of memory, and is told what to change', (_, code, last, memory) => {
    const failure = engineFailure(code, last, memory)
    expect(failure.code).toBe('out-of-memory')
    expect(failure.message).toMatch(/smaller patches or a smaller batch/)
  })

  it.each([
    ['was killed while there was memory', 9],
    ['ended by itself', 1],
    ['ended as if all were well', 0]
  ])('%s: is lost, with its code', (_, code) => {
    expect(engineFailure(code, gibibyte, roomy)).toMatchObject({ code: 'lost' })
    expect(engineFailure(code, gibibyte, roomy).message).toContain(`code ${code}`)
  })
})
