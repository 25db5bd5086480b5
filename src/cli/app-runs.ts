import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { settingsSchema } from '../contract/channels'

/** What of the app's settings tells where its runs are. */
const chosenSchema = z.object({ settings: settingsSchema.pick({ runsFolder: true }) })

/** The folder in which the app keeps its runs: the one that its user chose, or one beside its settings. */
export async function appRunsFolder(
  platform: NodeJS.Platform = process.platform,
  environment: NodeJS.ProcessEnv = process.env
): Promise<string> {
  const data = appDataFolder(platform, environment)
  return (await chosenFolder(join(data, 'settings.json'))) ?? join(data, 'runs')
}

/** The folder in which models of the zoo are kept. */
export function appModelsFolder(): string {
  return join(appDataFolder(process.platform, process.env), 'models')
}

/** The folder in which the app's engine keeps what is its own. */
export function appEngineFolder(): string {
  return join(appDataFolder(process.platform, process.env), 'engine')
}

/** Where Electron keeps what is of an app of this name and user. */
function appDataFolder(platform: NodeJS.Platform, environment: NodeJS.ProcessEnv): string {
  const name = '2DQuant Studio'
  const home = homedir()
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', name)
  const given = environment[platform === 'win32' ? 'APPDATA' : 'XDG_CONFIG_HOME'] ?? ''
  const usual = platform === 'win32' ? join(home, 'AppData', 'Roaming') : join(home, '.config')
  return join(given === '' ? usual : given, name)
}

/** Settings that cannot be read say nothing, as to the app. */
async function chosenFolder(file: string): Promise<string | null> {
  if (!existsSync(file)) return null
  try {
    return chosenSchema.parse(JSON.parse(await readFile(file, 'utf8'))).settings.runsFolder
  } catch {
    return null
  }
}
