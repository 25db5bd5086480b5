import { describe, expect, it } from 'vitest'
import { viewerCommands } from '../../../src/contract/viewer-commands'
import { en } from '../../../src/renderer/i18n/en'
import { commandOf, isKeyOf, type PressedKey } from '../../../src/renderer/viewer/keys'
import { keyParts } from '../../../src/renderer/viewer/key-text'

function press(key: string, rest: Partial<PressedKey> = {}): ReturnType<typeof commandOf> {
  const none = { code: '', shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, isAltGraph: false }
  return commandOf({ key, ...none, ...rest })
}

describe('keys of the viewer', () => {
  it('are each of one command', () => {
    const keys = viewerCommands.flatMap((command) => [...command.keys])
    expect(new Set(keys).size).toBe(keys.length)
    expect(new Set(viewerCommands.map(({ id }) => id)).size).toBe(viewerCommands.length)
  })

  it('carry out what the list says of them', () => {
    for (const { id, keys } of viewerCommands) {
      for (const key of keys) {
        const [letter = '', modifier] = key.length > 1 ? key.split('+').toReversed() : [key]
        const isCapital = /^[A-Z]$/.test(letter)
        expect(press(isCapital ? letter.toLowerCase() : letter, { shiftKey: modifier === 'Shift' }), key).toBe(id)
      }
    }
  })

  it('are the letters of a keyboard in capitals, too', () => {
    expect(press('G')).toBe('grid')
    expect(press('w')).toBe('nextWorst')
    expect(press('W', { shiftKey: true })).toBe('previousWorst')
    expect(press('G', { shiftKey: true })).toBeNull()
  })

  it('are signs, with or without Shift or the key for third letters', () => {
    expect(press('+', { shiftKey: true, code: 'Equal' })).toBe('zoomIn')
    expect(press('?', { shiftKey: true, code: 'Slash' })).toBe('help')
    expect(press('[', { isAltGraph: true, ctrlKey: true, altKey: true, code: 'Digit8' })).toBe('less')
  })

  it('are places on keyboards that type other letters', () => {
    expect(press('п', { code: 'KeyG' })).toBe('grid')
    expect(press('ц', { code: 'KeyW', shiftKey: true })).toBe('previousWorst')
    expect(press('&', { code: 'Digit1' })).toBe('pane1')
    expect(press('ü', { code: 'BracketLeft' })).toBe('less')
    // On a keyboard for German, Z lies where others have Y.
    expect(press('z', { code: 'KeyY' })).toBe('pixels')
    expect(press('!', { code: 'Digit1', shiftKey: true })).toBeNull()
  })

  it('leave the shortcuts of the app and of the system alone', () => {
    expect(press('c', { ctrlKey: true })).toBeNull()
    expect(press('f', { metaKey: true })).toBeNull()
    expect(press('d', { altKey: true })).toBeNull()
    expect(press('Enter')).toBeNull()
    expect(press('Tab')).toBeNull()
  })

  it('stay with what has the focus where they are its own', () => {
    expect(isKeyOf('text', 'g')).toBe(true)
    expect(isKeyOf('button', ' ')).toBe(true)
    expect(isKeyOf('button', 'g')).toBe(false)
    expect(isKeyOf('slider', 'ArrowLeft')).toBe(true)
    expect(isKeyOf('slider', 'PageDown')).toBe(true)
    expect(isKeyOf('slider', 's')).toBe(false)
    expect(isKeyOf('choice', 'ArrowUp')).toBe(true)
    // A closed list opens by these; letters are the viewer's.
    expect(isKeyOf('list', ' ')).toBe(true)
    expect(isKeyOf('list', 'ArrowDown')).toBe(true)
    expect(isKeyOf('list', 'g')).toBe(false)
    expect(isKeyOf('other', ' ')).toBe(false)
  })

  it('have words in the help, all of them', () => {
    const { commands, groups } = en.viewer
    expect(Object.keys(commands).toSorted()).toEqual(viewerCommands.map(({ id }) => id).toSorted())
    expect(Object.keys(groups).toSorted()).toEqual([...new Set(viewerCommands.map(({ group }) => group))].toSorted())
    const shown = (key: string): readonly string[] => keyParts(key, (name) => en.viewer.keys[name])
    expect(shown('Shift+W')).toEqual(['Shift', 'W'])
    expect(shown(' ')).toEqual(['Space'])
    expect(shown('+')).toEqual(['+'])
    expect(shown('PageDown')).toEqual(['Page Down'])
  })
})
