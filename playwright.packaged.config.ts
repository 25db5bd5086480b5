import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import config from './playwright.config'

/** The same tests, against a packaged app: they start the program that STUDIO_EXECUTABLE names. */
const executable = process.env['STUDIO_EXECUTABLE']
if (executable === undefined || !existsSync(executable)) {
  throw new Error('STUDIO_EXECUTABLE must name the packaged app’s executable.')
}
process.env['STUDIO_EXECUTABLE'] = resolve(executable)

export default config
