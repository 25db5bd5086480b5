import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  bestSpeed,
  probeResultSchema,
  runtimeNameSchema,
  type Candidate,
  type ProbeResult,
  type RuntimeChoice,
  type RuntimeName
} from '../contract/runtimes'
import { StudioError } from '../core/errors'
import type { Runtime } from '../core/runtime'
import { isOfNvidia } from './gpu/providers'
import type { Machine } from './machine'
import { onnxruntimeCpu, onnxruntimeOn } from './onnxruntime'
import { onnxruntime } from './onnxruntime-module'
import { probeRuntime } from './probe-network'
import { tfjsDevices } from './tfjs/devices'

/** The processor's onnxruntime: it is in every installation, and no other way on a processor is as fast. */
const usual = { runtime: 'onnxruntime', device: 'cpu' } as const

/** All that could run networks here, whether it does or not. */
export function listCandidates(): readonly { readonly runtime: RuntimeName; readonly device: string }[] {
  return [
    ...onnxruntime()
      .module.listSupportedBackends()
      .map(({ name }) => ({ runtime: 'onnxruntime' as const, device: name })),
    ...tfjsDevices.map((device) => ({ runtime: 'tfjs' as const, device }))
  ]
}

/** The runtime of a candidate. Throws a StudioError ('usage') where there is no such device. */
export async function runtimeOf(runtime: RuntimeName, device: string): Promise<Runtime> {
  const devices = listCandidates()
    .filter((each) => each.runtime === runtime)
    .map((each) => each.device)
  if (!devices.includes(device)) {
    throw new StudioError('usage', `${runtime} has no device "${device}" on this system; it has ${devices.join(', ')}.`)
  }
  if (runtime === 'onnxruntime') return device === 'cpu' ? onnxruntimeCpu : onnxruntimeOn(device)
  const { tfjsRuntime } = await import('./tfjs/runtime')
  return tfjsRuntime(tfjsDevices.find((each) => each === device) ?? 'cpu')
}

/** Those that were tried and work, which is not tried again for every picture. */
const proven = new Map<string, Runtime>()

/**
 * What was asked for, or the processor's onnxruntime. Throws a StudioError that says why it does not work; nothing else is taken in
 * its place.
 */
export async function requireRuntime(choice: RuntimeChoice | null = null): Promise<Runtime> {
  const { runtime, device } = choice ?? usual
  const devices = device !== null ? [device] : runtime === 'tfjs' ? tfjsDevices : [usual.device]
  const reasons: string[] = []
  for (const each of devices) {
    const known = proven.get(`${runtime} ${each}`)
    if (known !== undefined) return known
    const found = await runtimeOf(runtime, each)
    const { usable, reason } = await probeRuntime(found)
    if (usable) {
      proven.set(`${runtime} ${each}`, found)
      return found
    }
    reasons.push(`${runtime} on ${each}: ${reason}`)
  }
  throw new StudioError('failed', `What networks were to run on does not work here. ${reasons.join(' ')}`)
}

/** Tries a runtime in a process of its own: its result, or how the process ended without one. */
export type ProbeApart = (
  runtime: RuntimeName,
  device: string
) => Promise<{ readonly result: ProbeResult | null; readonly code: number | string | null }>

/**
 * Tries everything there is by running a small network, each in a process of its own, which a driver may end without harm. A first
 * start on a GPU may compile for minutes; it is waited for.
 */
export async function probeAll(probe: ProbeApart, machine: Machine): Promise<readonly Candidate[]> {
  const candidates: Candidate[] = []
  // One after the other: what runs beside another is slower.
  for (const { runtime, device } of listCandidates()) {
    const { result, code } = await probe(runtime, device)
    const reason = `The test network ended the process that ran it (${code ?? 'unasked'}).`
    const ended = { version: onnxruntimeCpu.version, usable: false, reason, speeds: [] }
    const tried = result ?? ended
    const hasNone = !tried.usable && isOfNvidia(device) && machine.gpus.length === 0
    const told = hasNone
      ? { ...tried, reason: 'It needs an NVIDIA GPU and its driver, and none was found here.' }
      : tried
    candidates.push({ runtime, device, hardware: hardwareOf(device, machine), ...told })
  }
  return candidates
}

/** Whether a device computes with the processor and its memory. */
export function isOnProcessor(device: string): boolean {
  return ['cpu', 'wasm', 'node'].includes(device)
}

/** What computes on a device; of several GPUs, the first. */
function hardwareOf(device: string, { processor, memoryBytes, gpus }: Machine): Candidate['hardware'] {
  if (isOnProcessor(device)) return { name: processor, memoryBytes }
  const [gpu] = gpus
  return gpu === undefined ? null : { name: gpu.name, memoryBytes: gpu.memoryBytes }
}

/** The usable candidate that computed the most at its best batch, and what speaks for it; null where nothing is usable. */
export function fastestOf(
  candidates: readonly Candidate[]
): { readonly candidate: Candidate; readonly why: string } | null {
  const measured = candidates
    .flatMap((candidate) => {
      const best = candidate.usable ? bestSpeed(candidate) : null
      return best === null ? [] : [{ candidate, best }]
    })
    .toSorted((a, b) => b.best.perSecond - a.best.perSecond)
  const [first, second] = measured
  if (first === undefined) return null
  const said = ({ candidate, best }: typeof first): string =>
    `${candidate.runtime} on ${candidate.device} (${best.perSecond.toFixed(1)} a second at batches of ${best.batch})`
  const others = second === undefined ? 'nothing else works here' : `next is ${said(second)}`
  return {
    candidate: first.candidate,
    why: `${said(first)} computes most pictures of the test network; ${others}.`
  }
}

/** The built file of probe.ts; it lies beside this one. */
const probeFile = fileURLToPath(new URL('./probe.mjs', import.meta.url))

/** By Node.js; without a build, as when sources are run, in this process. */
export const probeByNode: ProbeApart = async (runtime, device) => {
  if (!existsSync(probeFile)) return { result: await probeRuntime(await runtimeOf(runtime, device), true), code: null }
  const child = spawn(process.execPath, [probeFile, runtime, device], { stdio: ['ignore', 'pipe', 'ignore'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  return { result: resultIn(output), code: signal ?? code }
}

/** Native libraries may print before. */
function resultIn(output: string): ProbeResult | null {
  try {
    return probeResultSchema.parse(JSON.parse(output.trimEnd().split('\n').at(-1) ?? ''))
  } catch {
    return null
  }
}

/** A runtime's name as it was written; null where there is none of that name. */
export function runtimeNamed(text: string | undefined): RuntimeName | null {
  return runtimeNameSchema.safeParse(text).data ?? null
}
