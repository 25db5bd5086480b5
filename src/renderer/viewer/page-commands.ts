import type { ViewerCommand } from '../../contract/viewer-commands'
import type { Vote } from './blind-test'

/** What may be done while nothing may tell versions apart. */
const blindCommands: ReadonlySet<ViewerCommand> = new Set([
  'zoomIn',
  'zoomOut',
  'fit',
  'pixels',
  'panLeft',
  'panRight',
  'panUp',
  'panDown',
  'smooth',
  'pixelGrid',
  'help',
  'voteLeft',
  'voteRight',
  'voteNone'
])

/** What commands do that are about more than the pictures on the stage. */
export interface PageActions {
  readonly turn: (by: 1 | -1) => void
  readonly turnWorst: (by: 1 | -1) => void
  readonly openFigure: () => void
  readonly openHelp: () => void
  readonly vote: (vote: Vote) => void
  /** What is left is the stage's. */
  readonly onStage: (command: ViewerCommand) => void
}

/**
 * Carries out a command.
 *
 * @param isMasking whether nothing may tell versions apart: then most commands do nothing
 */
export function carryOutOnPage(command: ViewerCommand, isMasking: boolean, actions: PageActions): void {
  if (isMasking && !blindCommands.has(command)) return
  switch (command) {
    case 'nextPicture':
      actions.turn(1)
      return
    case 'previousPicture':
      actions.turn(-1)
      return
    case 'nextWorst':
      actions.turnWorst(1)
      return
    case 'previousWorst':
      actions.turnWorst(-1)
      return
    case 'figure':
      actions.openFigure()
      return
    case 'help':
      actions.openHelp()
      return
    case 'voteLeft':
      actions.vote('left')
      return
    case 'voteRight':
      actions.vote('right')
      return
    case 'voteNone':
      actions.vote('none')
      return
    default:
      actions.onStage(command)
  }
}
