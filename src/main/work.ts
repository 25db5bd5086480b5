import { Notification, powerSaveBlocker, type BrowserWindow } from 'electron'
import { basename } from 'node:path'
import type { EngineNotice } from '../contract/engine'
import type { textsOf } from './texts'

type Activity = Extract<EngineNotice, { kind: 'activity' }>['job']

/** What the desktop shows of work that goes on: progress on the taskbar, a computer that stays awake, a word at the end. */
export class Work {
  #activity: Activity = null
  #blocker: number | null = null
  /** Kept, as one that is forgotten can no longer be clicked. */
  #notification: Notification | null = null

  get activity(): Activity {
    return this.#activity
  }

  /** Whether something is at work that would be broken off. */
  get isGoing(): boolean {
    return this.#activity !== null
  }

  show(activity: Activity, window: BrowserWindow | null): void {
    this.#activity = activity
    const isRunning = activity !== null && !activity.paused
    if (isRunning && this.#blocker === null) this.#blocker = powerSaveBlocker.start('prevent-app-suspension')
    if (!isRunning && this.#blocker !== null) {
      powerSaveBlocker.stop(this.#blocker)
      this.#blocker = null
    }
    if (window === null || window.isDestroyed()) return
    window.setProgressBar(activity === null ? -1 : activity.fraction, { mode: isRunning ? 'normal' : 'paused' })
  }

  /** Says that a run has ended, unless the user looks at the window anyway. */
  tellEnd(
    { run, state, message }: Extract<EngineNotice, { kind: 'ended' }>,
    window: BrowserWindow | null,
    { ended }: ReturnType<typeof textsOf>,
    onClick: () => void
  ): void {
    if (window?.isFocused() === true || !Notification.isSupported()) return
    const body = state === 'failed' ? `${ended.failed} ${message}` : ended.done
    this.#notification = new Notification({ title: basename(run), body })
    this.#notification.on('click', onClick)
    this.#notification.show()
  }
}
