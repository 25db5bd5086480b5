import { describe, expect, it } from 'vitest'
import { missingPackages, neededPackages } from '../../scripts/debian-packages.mjs'

describe('Debian packages', () => {
  it('are called as this release calls them', () => {
    const needed = ['libasound2', 'libgtk-3-0', 'libnss3', 'xvfb']
    const bookworm = new Set(['libasound2', 'libgtk-3-0', 'libnss3', 'xvfb'])
    const noble = new Set(['libasound2t64', 'libgtk-3-0t64', 'libnss3', 'xvfb'])
    expect(missingPackages(needed, new Set(), bookworm)).toEqual(needed)
    expect(missingPackages(needed, new Set(), noble)).toEqual(['libasound2t64', 'libgtk-3-0t64', 'libnss3', 'xvfb'])
  })

  it('count as installed under either name', () => {
    const installed = new Set(['libasound2t64', 'libnss3'])
    expect(missingPackages(['libasound2', 'libnss3', 'libgbm1'], installed, new Set())).toEqual(['libgbm1'])
  })

  it('include a virtual display only where there is none', () => {
    expect(neededPackages(false)).toEqual(expect.arrayContaining(['xvfb', 'xauth', 'libgtk-3-0']))
    expect(neededPackages(true)).not.toContain('xvfb')
  })
})
