import { z } from 'zod'
import type { RequestResult } from '../contract/channels'

/** Milliseconds that an answer may take. */
const patience = 10_000

const releaseSchema = z.object({ tag_name: z.string().regex(/^v?\d+\.\d+\.\d+/), html_url: z.url() })

/** Where the newest release of a project on GitHub is told; null for a home page elsewhere, as of builds that were not released. */
export function releaseAddress(homepage: string | undefined): string | null {
  const [, project] = /^https:\/\/github\.com\/([\w.-]+\/[\w.-]+)\/?$/.exec(homepage ?? '') ?? []
  return project === undefined ? null : `https://api.github.com/repos/${project}/releases/latest`
}

/**
 * Asks once which version is the newest.
 *
 * @param ask fetches an address
 * @throws Error with a sentence for the user where there is no answer
 */
export async function findNewest(
  address: string,
  current: string,
  ask: (address: string, options: { readonly signal: AbortSignal }) => Promise<Response>
): Promise<RequestResult<'update.check'>> {
  let response: Response
  try {
    response = await ask(address, { signal: AbortSignal.timeout(patience) })
  } catch (cause) {
    throw new Error('The place that tells of newer versions cannot be reached; is this computer online?', { cause })
  }
  if (response.status === 404) return { newest: current, isNewer: false, page: '' }
  // A network that wants a log-in first answers with a page of its own.
  const answer: unknown = response.ok ? await response.json().catch(() => null) : null
  const release = releaseSchema.safeParse(answer)
  if (!release.success) {
    throw new Error(`The place that tells of newer versions answered what is not understood (${response.status}).`)
  }
  const { tag_name: tag, html_url: page } = release.data
  const newest = tag.replace(/^v/, '')
  return { newest, isNewer: compareVersions(newest, current) > 0, page }
}

/** Positive where `a` is newer than `b`. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split(/[.-]/).slice(0, 3).map(Number))
  return (left ?? []).map((number, i) => number - (right?.[i] ?? 0)).find((difference) => difference !== 0) ?? 0
}
