/** The last part of a path of any system. */
export function nameOf(path: string): string {
  return path.split(/[/\\]/).filter(Boolean).at(-1) ?? path
}
