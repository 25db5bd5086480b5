import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../../scripts/package-tree.mjs'

const shim = join(root, 'scripts', 'fpm-deb.mjs')
const run = (command: string, args: readonly string[]): string => {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return stdout
}
const hasDpkg = spawnSync('dpkg-deb', ['--version']).status === 0

describe.skipIf(!hasDpkg)('a deb without fpm', () => {
  let folder: string
  let deb: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), '2dquant-fpm-'))
    deb = join(folder, 'a.deb')
    mkdirSync(join(folder, 'app', 'locales'), { recursive: true })
    writeFileSync(join(folder, 'app', 'program'), 'x'.repeat(5000), { mode: 0o755 })
    writeFileSync(join(folder, 'app', 'locales', 'en.pak'), 'y')
    writeFileSync(join(folder, 'a.desktop'), '[Desktop Entry]\n')
    writeFileSync(join(folder, 'after.sh'), '#!/bin/bash\ntrue\n')
    // As electron-builder calls fpm.
    run(process.execPath, [
      ...[shim, '-s', 'dir', '--force', '-t', 'deb', '-d', 'libnss3', '-d', 'libgtk-3-0 | libgtk-3-0t64'],
      ...['--deb-recommends', 'libappindicator3-1', '--deb-compression', 'xz', '--architecture', 'amd64'],
      ...['--after-install', join(folder, 'after.sh'), '--description', 'Short\n Long, in\n\n two parts.'],
      ...['--version', '1.2.3', '--package', deb, '--name', 'a-program', '--maintainer', 'A <a@b.invalid>'],
      ...['--url', 'https://b.invalid', '--category', 'science', '--deb-priority', 'optional', '--license', 'MIT'],
      ...[`${join(folder, 'app')}/=/opt/A Program`, `${join(folder, 'a.desktop')}=/usr/share/applications/a.desktop`]
    ])
  })
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  it('says what it is', () => {
    expect(run('dpkg-deb', ['--field', deb]).split('\n')).toEqual(
      expect.arrayContaining([
        'Package: a-program',
        'Version: 1.2.3',
        'Architecture: amd64',
        'Section: science',
        'Depends: libnss3, libgtk-3-0 | libgtk-3-0t64',
        'Recommends: libappindicator3-1',
        'Description: Short',
        ' Long, in',
        ' .',
        ' two parts.'
      ])
    )
  })

  it('holds the files where they belong, of root, and the script', () => {
    const listed = run('dpkg-deb', ['--contents', deb])
    expect(listed).toMatch(/^-rwxr-xr-x root\/root\s+5000 .*\.\/opt\/A Program\/program$/m)
    expect(listed).toMatch(/^drwxr-xr-x root\/root .*\.\/opt\/A Program\/locales\/$/m)
    expect(listed).toContain('./usr/share/applications/a.desktop')
    run('dpkg-deb', ['--control', deb, join(folder, 'control')])
    expect(statSync(join(folder, 'control', 'postinst')).mode & 0o777).toBe(0o755)
  })

  it('is all that is made', () => {
    const { status, stderr } = spawnSync(process.execPath, [shim, '-s', 'dir', '-t', 'rpm'], { encoding: 'utf8' })
    expect(status).toBe(1)
    expect(stderr).toMatch(/rpm/)
  })
})
