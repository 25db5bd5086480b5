import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { StudioError } from '../core/errors'
import { diskError, isAlive } from './run-folder'

/** Throws a StudioError ('refused') where another process holds `lock` and thereby `subject`. */
export async function expectFree(lock: string, subject: string): Promise<void> {
  const holder = await holderOf(lock)
  if (holder !== null && holder !== process.pid) throw held(holder, lock, subject)
}

/**
 * Holds `subject` for this call alone until `lock` is removed; a lock whose process is gone counts for nothing.
 *
 * @throws StudioError ('refused') where this or another process holds it
 */
export async function holdAlone(lock: string, subject: string): Promise<void> {
  for (;;) {
    try {
      await writeFile(lock, String(process.pid), { flag: 'wx' })
      return
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw diskError(lock, error)
      const holder = await holderOf(lock)
      if (holder !== null) throw held(holder, lock, subject)
      await rm(lock, { force: true })
    }
  }
}

/** The living process that holds a lock. */
async function holderOf(lock: string): Promise<number | null> {
  const holder = existsSync(lock) ? Number(await readFile(lock, 'utf8')) : 0
  return isAlive(holder) ? holder : null
}

function held(holder: number, lock: string, subject: string): StudioError {
  const who = holder === process.pid ? 'This process' : `Another process (${holder})`
  const what = `${who} is at work on "${subject}"`
  return new StudioError('refused', `${what}; wait for it, or remove "${lock}" if that is no longer so.`)
}
