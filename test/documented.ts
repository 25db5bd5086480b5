import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The first program of a language in a page of the documentation, from a heading on where one is given. */
export function documentedProgram(page: string, language: string, heading = ''): string {
  const whole = readFileSync(join(import.meta.dirname, '..', 'docs', page), 'utf8')
  const text = whole.slice(whole.indexOf(heading === '' ? '' : `## ${heading}\n`))
  const found = new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(text)?.[1]
  if (found === undefined) throw new Error(`docs/${page} has no program of ${language}`)
  return found
}
