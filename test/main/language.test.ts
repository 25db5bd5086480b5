import { describe, expect, it } from 'vitest'
import { usualSettings } from '../../src/contract/channels'
import { languageFor } from '../../src/main/language'

describe('the language', () => {
  it.each([
    ['system', ['zh-Hans-CN', 'en-US'], 'zh-CN'],
    ['system', ['en-US', 'zh-CN'], 'en'],
    ['system', ['de-DE', 'zh-TW'], 'zh-CN'],
    ['system', ['fr-FR'], 'en'],
    ['system', [], 'en'],
    ['en', ['zh-CN'], 'en'],
    ['zh-CN', ['en-US'], 'zh-CN']
  ] as const)('%s on a desktop of %j is %s', (language, desktop, expected) => {
    expect(languageFor({ ...usualSettings, language }, desktop)).toBe(expected)
  })
})
