import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { Figure } from '../figure'

/** Adds a figure to those that `npm run bench` prints; without a file named for them, says it. */
export function tell(figure: Figure): void {
  const file = process.env['STUDIO_FIGURES']
  if (file === undefined) {
    console.log(figure)
    return
  }
  const known = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Figure[]) : []
  writeFileSync(file, JSON.stringify([...known, figure]))
}
