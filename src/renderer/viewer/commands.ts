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

/** A dialog stands before what commands are about, also where nothing in it has the focus. */
const hasDialog = (): boolean => document.querySelector('[role=dialog]') !== null

/** Carries out what keys and the menu say, as long as the component that calls it is shown. */
export function useViewerCommands(onCommand: (command: ViewerCommand) => void): void {
  // Told before the dialog itself takes the key: the one that closes it is no command either.
  let wasBehind = false
  const notice = (): void => {
    wasBehind = hasDialog()
  }
  const press = (event: KeyboardEvent): void => {
    if (wasBehind || event.defaultPrevented || event.isComposing) return
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
    window.addEventListener('keydown', notice, { capture: true })
    window.addEventListener('keydown', press)
    stopListening = window.studio.onViewerCommand((command) => {
      if (!hasDialog()) onCommand(command)
    })
    void window.studio.viewerShown(true)
  })
  onBeforeUnmount(() => {
    window.removeEventListener('keydown', notice, { capture: true })
    window.removeEventListener('keydown', press)
    stopListening()
    void window.studio.viewerShown(false)
  })
}
