import type { GpuEntry } from '../../contract/gpu'
import { StudioError } from '../../core/errors'
import { gpuComponents, sizesOf, type GpuComponent } from '../../runtimes/gpu/components'
import { stateOf } from '../../runtimes/gpu/installed'
import { receivedBytes } from './install'

/** All components of this system, and how it stands with them in a folder. */
export function entriesIn(folder: string): Promise<readonly GpuEntry[]> {
  return Promise.all(gpuComponents().map((component) => entryOf(component, folder)))
}

/** What is told of a component, and how it stands with it. */
export async function entryOf(component: GpuComponent, folder: string): Promise<GpuEntry> {
  const { id, title, version, use, licences, source, parts } = component
  return {
    id,
    title,
    version,
    use,
    licences,
    source,
    parts: parts.map(({ name, url, bytes, sha256 }) => ({ name, url, bytes, sha256 })),
    ...sizesOf(component),
    state: stateOf(component, folder),
    received: await receivedBytes(component, folder),
    step: null
  }
}

/** The component that is asked for. Throws a StudioError ('missing') where this system has none of that id. */
export function componentOf(id: string, components: readonly GpuComponent[] = gpuComponents()): GpuComponent {
  const found = components.find((each) => each.id === id)
  if (found !== undefined) return found
  const known = components.map((each) => each.id).join(', ')
  const there = known === '' ? `nothing for ${process.platform} on ${process.arch}` : known
  throw new StudioError('missing', `There is no component "${id}" of GPU support; there is ${there}.`)
}
