import { describe, expect, it } from 'vitest'
import { findNewest, releaseAddress } from '../../src/main/update'

const answer = (status: number, body: unknown) => (): Promise<Response> =>
  Promise.resolve(new Response(JSON.stringify(body), { status }))
const release = (tag: string): unknown => ({ tag_name: tag, html_url: 'https://github.com/a/b/releases/1', other: 1 })

describe('newer versions', () => {
  it('are asked for where releases of the project are, and nowhere else', () => {
    expect(releaseAddress('https://github.com/owner/2dquant-studio')).toBe(
      'https://api.github.com/repos/owner/2dquant-studio/releases/latest'
    )
    for (const homepage of [
      undefined,
      'https://2dquant-studio.invalid',
      'https://github.com.evil.invalid/a/b',
      'http://github.com/a/b'
    ]) {
      expect(releaseAddress(homepage)).toBeNull()
    }
  })

  it.each([
    ['v1.2.10', '1.2.9', true],
    ['1.2.9', '1.2.9', false],
    ['v0.9.9', '1.0.0', false],
    ['v2.0.0', '1.99.99', true]
  ])('%s against %s: %s', async (tag, current, isNewer) => {
    const found = await findNewest('x', current, answer(200, release(tag)))
    expect(found).toEqual({ newest: tag.replace('v', ''), isNewer, page: 'https://github.com/a/b/releases/1' })
  })

  it('are none where nothing was released', async () => {
    expect(await findNewest('x', '1.0.0', answer(404, {}))).toEqual({ newest: '1.0.0', isNewer: false, page: '' })
  })

  it.each([
    ['no network', () => Promise.reject(new Error('ENOTFOUND')), /cannot be reached/],
    ['an error', answer(500, {}), /not understood \(500\)/],
    ['something else', answer(200, { tag_name: 'latest', html_url: 'x' }), /not understood/]
  ])('are not guessed: %s', async (_, ask, message) => {
    await expect(findNewest('x', '1.0.0', ask)).rejects.toThrow(message)
  })
})
