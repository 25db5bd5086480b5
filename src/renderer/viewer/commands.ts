import { onBeforeUnmount, onMounted } from 'vue'
import { viewerCommands, type ViewerCommand } from '../../contract/viewer-commands'

/** What of a pressed key tells a command. */
export type PressedKey = Pick<KeyboardEvent, 'key' | 'code' | 'shiftKey' | 'ctrlKey' | 'metaKey' | 'altKey'> & {
  /** Whether the key that gives third letters is held, which other systems tell as Ctrl and Alt. */
  readonly isAltGraph: boolean
}

const commandsByKey: ReadonlyMap<string, ViewerCommand> = new Map(
  viewerCommands.flatMap(({ id, keys }) => keys.map((key) => [key, id] as const))
)

/** Commands that go on as long as their key is held down. */
const repeating: ReadonlySet<ViewerCommand> = new Set([
  'zoomIn',
  'zoomOut',
  'panLeft',
  'panRight',
  'panUp',
  'panDown',
  'less',
  'more',
  'nextPicture',
  'previousPicture',
  'nextWorst',
  'previousWorst'
])

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

/** Where a key was pressed, and which keys are that place's own. */
export type FocusedPlace = 'text' | 'button' | 'slider' | 'choice' | 'other'

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
      return key === ' ' || key.startsWith('Arrow')
    case 'other':
      return false
  }
}

function placeOf(target: EventTarget | null): FocusedPlace {
  if (!(target instanceof HTMLElement)) return 'other'
  // Lists find entries by letters, and dialogs stand before what commands are about.
  if (target.closest('[role=dialog], [role=menu], [role=listbox], [role=combobox], select, textarea') !== null)
    return 'text'
  if (target.isContentEditable) return 'text'
  const role = target.getAttribute('role')
  if (role === 'slider' || role === 'spinbutton') return role === 'slider' ? 'slider' : 'text'
  if (role === 'radio' || role === 'tab') return 'choice'
  if (target instanceof HTMLInputElement) {
    if (target.type === 'range') return 'slider'
    if (target.type === 'radio') return 'choice'
    return target.type === 'checkbox' || target.type === 'button' ? 'button' : 'text'
  }
  return target.closest('button, a, summary, [role=button], [role=checkbox], [role=switch]') === null
    ? 'other'
    : 'button'
}

/** Carries out what keys and the menu say, as long as the component that calls it is shown. */
export function useViewerCommands(onCommand: (command: ViewerCommand) => void): void {
  const press = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.isComposing) return
    const command = commandOf({
      key: event.key,
      code: event.code,
      shiftKey: event.shiftKey,
      ctrlKey: event.ctrlKey,
      metaKey: event.metaKey,
      altKey: event.altKey,
      isAltGraph: event.getModifierState('AltGraph')
    })
    if (command === null || isKeyOf(placeOf(event.target), event.key)) return
    event.preventDefault()
    if (!event.repeat || repeating.has(command)) onCommand(command)
  }
  let stopListening: () => void = () => undefined
  onMounted(() => {
    window.addEventListener('keydown', press)
    stopListening = window.studio.onViewerCommand(onCommand)
    void window.studio.viewerShown(true)
  })
  onBeforeUnmount(() => {
    window.removeEventListener('keydown', press)
    stopListening()
    void window.studio.viewerShown(false)
  })
}
