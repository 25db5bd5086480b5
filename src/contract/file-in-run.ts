import { z } from 'zod'

/** Paths that begin at a root of some system: `/…`, `\…`, `C:…`. */
const fromRoot = /^(?:[/\\]|[a-z]:)/i

/**
 * A file in a run folder, by its path in there. Run folders may come from anybody: what leads out of them is refused, so that
 * nothing else is opened in their name.
 */
export const fileInRunSchema = z
  .string()
  .refine((path) => path !== '' && !fromRoot.test(path) && !path.split(/[/\\]/).includes('..'), {
    error: 'It leads out of the run folder.'
  })
