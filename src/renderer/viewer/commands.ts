import { onBeforeUnmount, onMounted } from 'vue'
import type { ViewerCommand } from '../../contract/viewer-commands'
import { commandOf, isKeyOf, type FocusedPlace } from './keys'

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

function placeOf(target: EventTarget | null): FocusedPlace {
  if (!(target instanceof HTMLElement)) return 'other'
  // Lists find entries by letters, and dialogs stand before what commands are about; but not those that only fade away.
  const before = target.closest('[role=dialog], [role=menu], [role=listbox]')
  if (before !== null) return before.getAttribute('data-state') === 'closed' ? 'other' : 'text'
  const list = target.closest('[role=combobox]')
  if (list !== null) return list.getAttribute('aria-expanded') === 'false' && list.matches('button') ? 'list' : 'text'
  if (target.closest('select, textarea') !== null) return 'text'
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

/** A dialog stands before what commands are about, also where nothing in it has the focus; not one that only fades away. */
const hasDialog = (): boolean => document.querySelector('[role=dialog]:not([data-state=closed])') !== null

/** Carries out what keys and the menu say, as long as the component that calls it is shown. */
export function useViewerCommands(onCommand: (command: ViewerCommand) => void): void {
  const take = (event: KeyboardEvent, place: FocusedPlace): boolean => {
    if (event.defaultPrevented || event.isComposing) return false
    const command = commandOf({
      key: event.key,
      code: event.code,
      shiftKey: event.shiftKey,
      ctrlKey: event.ctrlKey,
      metaKey: event.metaKey,
      altKey: event.altKey,
      isAltGraph: event.getModifierState('AltGraph')
    })
    if (command === null || isKeyOf(place, event.key)) return false
    event.preventDefault()
    if (!event.repeat || repeating.has(command)) onCommand(command)
    return true
  }
  let wasBehind = false
  const pressOnTheWayDown = (event: KeyboardEvent): void => {
    // Told before the dialog itself takes the key: the one that closes it is no command either.
    wasBehind = hasDialog()
    // A list that was closed just now would take a letter for the beginning of another entry.
    if (!wasBehind && placeOf(event.target) === 'list' && take(event, 'list')) event.stopPropagation()
  }
  const press = (event: KeyboardEvent): void => {
    if (!wasBehind) take(event, placeOf(event.target))
  }
  let stopListening: () => void = () => undefined
  onMounted(() => {
    window.addEventListener('keydown', pressOnTheWayDown, { capture: true })
    window.addEventListener('keydown', press)
    stopListening = window.studio.onViewerCommand((command) => {
      if (!hasDialog()) onCommand(command)
    })
    void window.studio.viewerShown(true)
  })
  onBeforeUnmount(() => {
    window.removeEventListener('keydown', pressOnTheWayDown, { capture: true })
    window.removeEventListener('keydown', press)
    stopListening()
    void window.studio.viewerShown(false)
  })
}
