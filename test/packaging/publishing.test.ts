import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { publishObstacle } from '../../scripts/dist.mjs'
import { root } from '../../scripts/package-tree.mjs'

const release = { isTestBuild: false, isFallback: false, tag: 'v1.2.3', version: '1.2.3' }

describe('publishing', () => {
  it('is allowed for an official build of the tagged version', () => {
    expect(publishObstacle(release)).toBeUndefined()
  })

  it.each([
    ['a test build', { isTestBuild: true }, /test build/],
    ['a build from the fallback runtime', { isFallback: true }, /fallback/],
    ['a version that is not the tag’s', { tag: 'v1.2.4' }, /v1\.2\.3/],
    ['a build without a tag', { tag: undefined }, /v1\.2\.3/]
  ])('is refused for %s', (_, change, sentence) => {
    expect(publishObstacle({ ...release, ...change })).toMatch(sentence)
  })

  it('is refused in one sentence before anything is built', () => {
    const { status, stderr, stdout } = spawnSync(process.execPath, [join(root, 'scripts', 'dist.mjs'), '--publish'], {
      env: { ...process.env, STUDIO_TEST_BUILD: '1' },
      encoding: 'utf8'
    })
    expect(status).toBe(1)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stdout).toBe('')
  })
})
