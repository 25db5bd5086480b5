/** Keys whose names are not what they type. */
const signs: Readonly<Record<string, string>> = {
  ArrowLeft: '←',
  ArrowRight: '→',
  ArrowUp: '↑',
  ArrowDown: '↓',
  '-': '−'
}
const named = { ' ': 'space', Escape: 'escape', PageUp: 'pageUp', PageDown: 'pageDown', Shift: 'shift' } as const
/** Names of keys that are words, in the language of the app. */
export type KeyName = (typeof named)[keyof typeof named]

/** The keys to be pressed together, as they are written on keyboards. */
export function keyParts(key: string, nameOf: (name: KeyName) => string): readonly string[] {
  const parts = key.length > 1 ? key.split('+') : [key]
  return parts.map((part) => {
    const name = Object.entries(named).find(([of]) => of === part)?.[1]
    return name === undefined ? (signs[part] ?? part) : nameOf(name)
  })
}
