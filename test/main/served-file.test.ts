import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { serveFile } from '../../src/main/served-file'
import { temporaryFolder } from '../cli/run-cli'

const folder = temporaryFolder()
const run = join(folder, 'run')
mkdirSync(join(run, 'images'), { recursive: true })
mkdirSync(join(folder, 'run-other'))
writeFileSync(join(run, 'images', 'é 1.png'), 'a picture')
writeFileSync(join(run, 'run.json'), '{}')
writeFileSync(join(folder, 'secret.png'), 'secret')
writeFileSync(join(folder, 'run-other', 'secret.png'), 'secret')
symlinkSync(join(folder, 'secret.png'), join(run, 'images', 'link.png'))
symlinkSync(folder, join(run, 'outside'))

const types = { '.png': 'image/png' }
const status = async (pathname: string): Promise<number> => (await serveFile(run, pathname, types)).status

describe('a served file', () => {
  it('comes with its type and the policy of pages', async () => {
    const response = await serveFile(run, '/images/%C3%A9%201.png', types)
    expect(await response.text()).toBe('a picture')
    expect(response.headers.get('content-type')).toBe('image/png')
    expect(response.headers.get('content-security-policy')).toContain(`default-src 'none'`)
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
  })

  it.each([
    ['of another kind', '/run.json'],
    ['that is not there', '/images/2.png'],
    ['above the folder', '/../secret.png'],
    ['above the folder, in disguise', '/%2e%2e/secret.png'],
    ['above the folder, in one piece', '/..%2fsecret.png'],
    ['above the folder, in Windows’ way', '/..%5csecret.png'],
    ['in a folder whose name begins alike', '/../run-other/secret.png'],
    ['behind a link to a file', '/images/link.png'],
    ['behind a link to a folder', '/outside/secret.png'],
    ['with a name that ends early', '/images/a%00.png'],
    ['with an escape that is none', '/images/%zz.png'],
    ['that is a folder', '/images']
  ])('is not one %s', async (_, pathname) => {
    expect(await status(pathname)).toBe(404)
  })
})
