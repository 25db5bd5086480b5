import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { appRunsFolder } from '../../src/cli/app-runs'
import { usualSettings } from '../../src/contract/channels'
import { openRun } from '../../src/engine/run-folder'
import { writeTestPicture } from '../pictures'
import { bundledModel, json, runCli, temporaryFolder } from './run-cli'

const folder = temporaryFolder()

describe('the folder of runs', () => {
  it('is where the app keeps its own, on every system', async () => {
    const home = homedir()
    expect(await appRunsFolder('linux', {})).toBe(join(home, '.config', '2DQuant Studio', 'runs'))
    expect(await appRunsFolder('linux', { XDG_CONFIG_HOME: '/c' })).toBe(join('/c', '2DQuant Studio', 'runs'))
    const support = join(home, 'Library', 'Application Support', '2DQuant Studio', 'runs')
    expect(await appRunsFolder('darwin', { XDG_CONFIG_HOME: '/c' })).toBe(support)
    expect(await appRunsFolder('win32', { APPDATA: '/a' })).toBe(join('/a', '2DQuant Studio', 'runs'))
  })

  it.each([
    ['is the one that was chosen', JSON.stringify({ settings: { ...usualSettings, runsFolder: '/mine' } }), '/mine'],
    ['is the usual one where none was chosen', JSON.stringify({ settings: usualSettings }), null],
    ['is the usual one where the settings are damaged', '{', null],
    ['is the usual one where the settings are others', '{"settings":{"runsFolder":5}}', null]
  ])('%s', async (what, contents, chosen) => {
    const data = join(folder, what, '2DQuant Studio')
    mkdirSync(data, { recursive: true })
    writeFileSync(join(data, 'settings.json'), contents)
    const found = await appRunsFolder('linux', { XDG_CONFIG_HOME: join(folder, what) })
    expect(found).toBe(chosen ?? join(data, 'runs'))
  })
})

describe.runIf(process.platform === 'linux')('a run that is given no place', () => {
  const config = join(folder, 'config')
  const runs = join(config, '2DQuant Studio', 'runs')
  const calibration = join(folder, 'pictures')

  beforeAll(async () => {
    await writeTestPicture(join(calibration, 'HR', 'one.png'), 96, 72)
    process.env['XDG_CONFIG_HOME'] = config
    return () => {
      delete process.env['XDG_CONFIG_HOME']
    }
  })

  it('is made where the app looks, named by its model and the time', async () => {
    const quick = ['--patches', '1', '--patch-size', '16', '--json']
    const said = json(await runCli(['quantize', bundledModel, '--calibration', calibration, ...quick]))
    const [name = '', ...more] = readdirSync(runs)
    expect([more, existsSync(join(runs, name, 'run.json'))]).toEqual([[], true])
    expect(name).toMatch(/^swinir-tiny-x4 \d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d$/)
    expect(said).toMatchObject({ run: join(runs, name) })
    expect((await openRun(join(runs, name))).run.state).toBe('done')
  })
})
