import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describePackage, formatLicences, isAllowed, objections, samplePackages } from '../../scripts/licences.mjs'
import { packagesUnder, productionPackages, root, unusedPackages } from '../../scripts/package-tree.mjs'

describe('licences', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), '2dquant-licences-'))
  })
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  const described = (manifest: object): ReturnType<typeof describePackage> => {
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'a', version: '1.0.0', ...manifest }))
    return describePackage(folder)
  }

  it.each([
    ['MIT', true],
    ['(MIT OR GPL-2.0-only)', true],
    ['Apache-2.0 AND LGPL-3.0-or-later', true],
    ['GPL-3.0-only', false],
    ['MIT AND GPL-3.0-only', false],
    ['SEE LICENSE IN EULA', false]
  ])('%s may be shipped: %s', (expression, allowed) => {
    expect(isAllowed(expression)).toBe(allowed)
  })

  it('are read from all forms that a package.json has had', () => {
    expect(described({ license: 'MIT' }).licence).toBe('MIT')
    expect(described({ license: { type: 'ISC' } }).licence).toBe('ISC')
    expect(described({ licenses: [{ type: 'MIT' }, { type: 'Apache-2.0' }] }).licence).toBe('MIT OR Apache-2.0')
  })

  it('object to a package without one and to one that would bind the app', () => {
    expect(objections([described({})])).toEqual(['a 1.0.0 names no licence.'])
    expect(objections([described({ license: 'AGPL-3.0' })])[0]).toMatch(/a 1\.0\.0 is under AGPL-3\.0/)
    expect(objections([described({ license: 'MIT' })])).toEqual([])
  })

  it('are listed with their text, or with the heading of a README', () => {
    writeFileSync(join(folder, 'README.md'), '# a\n\n## Licence\n\nSee the moon.\n\n## Thanks\n\nNobody.\n')
    const without = formatLicences([described({ license: 'MIT' })])
    expect(without).toContain('See the moon.')
    expect(without).not.toContain('Nobody.')
    writeFileSync(join(folder, 'LICENSE'), 'Do as you like.')
    expect(formatLicences([described({ license: 'MIT' })])).toContain('a 1.0.0 (MIT)')
    expect(formatLicences([described({ license: 'MIT' })])).toContain('Do as you like.')
  })

  it('of all packages that the app loads, and of its photographs, allow shipping', () => {
    const folders = [...productionPackages(), ...samplePackages().map((name) => `node_modules/${name}`)]
    const packages = folders.map((path) => describePackage(join(root, path)))
    expect(packages.length).toBeGreaterThan(40)
    expect(objections(packages)).toEqual([])
  })
})

describe('packages', () => {
  const lock = {
    packages: {
      '': {},
      'node_modules/a': { dependencies: { b: '1', c: '1' } },
      'node_modules/a/node_modules/b': { optionalDependencies: { d: '1' } },
      'node_modules/b': { dependencies: { e: '1' } },
      'node_modules/c': {},
      'node_modules/d': { dependencies: { a: '1' } },
      'node_modules/e': {}
    }
  }

  it('are found where Node would find them', () => {
    expect(packagesUnder(['a'], lock)).toEqual([
      'node_modules/a',
      'node_modules/a/node_modules/b',
      'node_modules/c',
      'node_modules/d'
    ])
  })

  it('under optional dependencies are not packaged, unless the app uses them otherwise', () => {
    expect(unusedPackages()).toContain('@tensorflow/tfjs-node-gpu')
    expect(unusedPackages()).not.toContain('onnxruntime-node')
  })
})
