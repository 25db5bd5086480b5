import { utilityProcess, type UtilityProcess } from 'electron'
import log from 'electron-log/main'

/**
 * Starts a process of ours that works for windows, and keeps what it prints.
 *
 * @param file its entry
 * @param name what the log calls it; the system calls it `2DQuant NAME`
 * @param variables of its environment, beside those of this process
 */
export function startService(
  file: string,
  name: string,
  args: string[] = [],
  variables: Readonly<Record<string, string>> = {}
): UtilityProcess {
  const service = utilityProcess.fork(file, args, {
    serviceName: `2DQuant ${name}`,
    stdio: 'pipe',
    // They are for developers: of modules in JSON, and of libraries that sharp cannot know here.
    env: { ...process.env, ...variables, NODE_NO_WARNINGS: '1' }
  })
  service.stdout?.on('data', (data: Buffer) => {
    log.info(`${name}: ${data.toString().trimEnd()}`)
  })
  service.stderr?.on('data', (data: Buffer) => {
    log.warn(`${name}: ${data.toString().trimEnd()}`)
  })
  return service
}
