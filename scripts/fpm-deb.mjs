#!/usr/bin/env node
// The part of fpm's command line by which electron-builder makes a deb, done with dpkg-deb, which any Debian and Ubuntu
// has. electron-builder starts it (CUSTOM_FPM_PATH) where fpm itself cannot be downloaded.
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const options = new Map()
const lists = { '-d': [], '--deb-recommends': [] }
const contents = []
const args = process.argv.slice(2)
while (args.length > 0) {
  const arg = args.shift()
  if (arg === '--force') continue
  if (arg in lists) lists[arg].push(args.shift())
  else if (arg.startsWith('-')) options.set(arg, args.shift())
  else contents.push(arg)
}
if (options.get('-s') !== 'dir' || options.get('-t') !== 'deb') {
  console.error(`Only “-s dir -t deb” is known here, not “-s ${options.get('-s')} -t ${options.get('-t')}”.`)
  process.exit(1)
}

/** Makes folders readable for everybody and returns how much all files take, in KiB. */
function settle(folder) {
  let size = 0
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      chmodSync(path, 0o755)
      size += settle(path)
    } else if (entry.isFile()) size += Math.ceil(statSync(path).size / 1024)
  }
  return size
}

const tree = mkdtempSync(join(tmpdir(), '2dquant-deb-'))
try {
  chmodSync(tree, 0o755)
  for (const pair of contents) {
    const at = pair.lastIndexOf('=')
    const from = pair.slice(0, at)
    const to = join(tree, pair.slice(at + 1))
    mkdirSync(dirname(to), { recursive: true })
    cpSync(from, to, { recursive: true, verbatimSymlinks: true })
  }
  const size = settle(tree)
  const control = join(tree, 'DEBIAN')
  mkdirSync(control)
  const scripts = { install: 'inst', remove: 'rm' }
  for (const [time, prefix] of [
    ['before', 'pre'],
    ['after', 'post']
  ]) {
    for (const [action, suffix] of Object.entries(scripts)) {
      const script = options.get(`--${time}-${action}`)
      if (script === undefined) continue
      copyFileSync(script, join(control, prefix + suffix))
      chmodSync(join(control, prefix + suffix), 0o755)
    }
  }
  const [synopsis, ...description] = (options.get('--description') ?? '').trim().split('\n')
  const fields = {
    Package: options.get('--name'),
    Version: options.get('--version'),
    Architecture: options.get('--architecture'),
    Maintainer: options.get('--maintainer'),
    'Installed-Size': size,
    Section: options.get('--category') ?? 'misc',
    Priority: options.get('--deb-priority') ?? 'optional',
    Homepage: options.get('--url'),
    Depends: lists['-d'].join(', '),
    Recommends: lists['--deb-recommends'].join(', '),
    Description: [synopsis, ...description.map((line) => ` ${line.trim() || '.'}`)].join('\n')
  }
  const lines = Object.entries(fields).filter(([, value]) => value !== undefined && value !== '')
  writeFileSync(join(control, 'control'), lines.map(([name, value]) => `${name}: ${value}\n`).join(''))
  // A test build is unpacked once and thrown away.
  const compression =
    process.env.STUDIO_TEST_BUILD === '1' ? ['-Zgzip', '-z1'] : [`-Z${options.get('--deb-compression') ?? 'xz'}`]
  const { status } = spawnSync(
    'dpkg-deb',
    [...compression, '--root-owner-group', '--build', tree, options.get('--package')],
    { stdio: 'inherit' }
  )
  process.exitCode = status ?? 1
} finally {
  rmSync(tree, { recursive: true, force: true })
}
