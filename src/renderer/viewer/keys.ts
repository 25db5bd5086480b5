import { viewerCommands, type ViewerCommand } from '../../contract/viewer-commands'

/** What of a pressed key tells a command. */
export interface PressedKey {
  /** What it types, and where it lies, as browsers name them. */
  readonly key: string
  readonly code: string
  readonly shiftKey: boolean
  readonly ctrlKey: boolean
  readonly metaKey: boolean
  readonly altKey: boolean
  /** Whether the key that gives third letters is held, which other systems tell as Ctrl and Alt. */
  readonly isAltGraph: boolean
}

const commandsByKey: ReadonlyMap<string, ViewerCommand> = new Map(
  viewerCommands.flatMap(({ id, keys }) => keys.map((key) => [key, id] as const))
)

/**
 * The command of a key; null where it has none. The letter that is typed counts. Where that is no letter of commands, as with
 * Cyrillic letters or digits that need Shift, the key's place does.
 */
export function commandOf({
  key,
  code,
  shiftKey,
  ctrlKey,
  metaKey,
  altKey,
  isAltGraph
}: PressedKey): ViewerCommand | null {
  if (!isAltGraph && (ctrlKey || metaKey || altKey)) return null
  const isLetter = /^[a-z]$/i.test(key)
  // Of signs it does not matter whether they need Shift; capitals may come from a lock.
  const typed = isLetter ? withShift(key.toUpperCase(), shiftKey) : key
  const byLetter = commandsByKey.get(typed)
  if (byLetter !== undefined) return byLetter
  if (isLetter || isAltGraph) return null
  const atPlace = /^Key([A-Z])$/.exec(code)?.[1]
  if (atPlace !== undefined) return commandsByKey.get(withShift(atPlace, shiftKey)) ?? null
  if (shiftKey) return null
  const digit = /^(?:Digit|Numpad)([0-9])$/.exec(code)?.[1]
  return commandsByKey.get(digit ?? signsByPlace[code] ?? '') ?? null
}

function withShift(letter: string, shiftKey: boolean): string {
  return shiftKey ? `Shift+${letter}` : letter
}

const signsByPlace: Readonly<Record<string, string>> = { BracketLeft: '[', BracketRight: ']' }

/** Where a key was pressed, and which keys are that place's own. A list is one that is closed, of which its button is seen. */
export type FocusedPlace = 'text' | 'button' | 'slider' | 'choice' | 'list' | 'other'

/** Whether a key that has a command is one that the focused place itself needs. */
export function isKeyOf(place: FocusedPlace, key: string): boolean {
  switch (place) {
    case 'text':
      return true
    case 'button':
      return key === ' '
    case 'slider':
      return key === ' ' || key.startsWith('Arrow') || key.startsWith('Page')
    case 'choice':
    case 'list':
      return key === ' ' || key.startsWith('Arrow')
    case 'other':
      return false
  }
}
