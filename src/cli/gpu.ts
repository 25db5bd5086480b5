import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import type { GpuEntry } from '../contract/gpu'
import { takeGpuLibrariesFrom } from '../engine/gpu/folder'
import { componentOf, entriesIn, entryOf } from '../engine/gpu/entries'
import { install, remove } from '../engine/gpu/install'
import { appEngineFolder } from './app-runs'
import { jsonOption, printJson, serverOption } from './options'
import { progressPrinter } from './progress'
import { untilStopped } from './run-job'
import { formatTable } from './table'

interface InstallFlags {
  readonly file?: string[]
  readonly from?: string
}

export function gpuCommand(): Command {
  const list = new Command('list')
    .description('List libraries for GPUs that can be had, and which of them are installed.')
    .addOption(jsonOption())
    .action(listComponents)
  const add = new Command('install')
    .description('Install libraries for GPUs: download them, go on with a download, or take them from files.')
    .argument('<id>', 'as `2dquant gpu list` has it')
    .addOption(new Option('--file <path...>', 'files that you have, under any names; nothing is downloaded then'))
    .addOption(serverOption())
    .action(installComponent)
  const take = new Command('remove')
    .description('Remove libraries for GPUs, or what has come of them.')
    .argument('<id>', 'as `2dquant gpu list` has it')
    .action(removeComponent)
  return new Command('gpu')
    .description('Libraries for NVIDIA’s GPUs: list, install and remove them.')
    .addCommand(list)
    .addCommand(add)
    .addCommand(take)
    .addHelpText('after', '\nExamples:\n  2dquant gpu list\n  2dquant gpu install onnxruntime-cuda')
}

const folder = (): string => takeGpuLibrariesFrom(appEngineFolder())
const megabytes = (bytes: number): number => Math.round(bytes / 1e5) / 10

const states: Readonly<Record<GpuEntry['state'], string>> = {
  absent: 'no',
  outdated: 'outdated; not used',
  installed: 'yes'
}

async function listComponents({ json }: { readonly json?: boolean }): Promise<void> {
  const components = await entriesIn(folder())
  if (json === true) {
    printJson({ folder: folder(), components })
    return
  }
  if (components.length === 0) console.log('There is nothing to install for GPUs of this system.')
  const rows = components.map(({ id, title, version, bytes, unpackedBytes, licences, state, received }) => [
    id,
    title,
    version,
    `${megabytes(bytes)} MB`,
    `${megabytes(unpackedBytes)} MB`,
    licences.map(({ name }) => name).join(', '),
    state !== 'installed' && received > 0 ? `${megabytes(received)} MB have come` : states[state]
  ])
  if (rows.length > 0) {
    console.log(formatTable(['id', 'component', 'version', 'download', 'on disk', 'licence', 'installed'], rows))
  }
}

async function installComponent(id: string, { file = [], from }: InstallFlags): Promise<void> {
  const component = componentOf(id)
  const { bytes: total, licences } = await entryOf(component, folder())
  const print = progressPrinter()
  for (const { name, page } of licences) console.error(`Licence of ${component.title}: ${name}, ${page}`)
  let isUnpacking = false
  const path = await untilStopped((signal) =>
    install(component, folder(), {
      signal,
      server: from ?? null,
      files: file.map((each) => resolve(each)),
      onProgress: (step, bytes) => {
        if (step === 'download') {
          print({ kind: 'progress', phase: 'load', done: megabytes(bytes), total: megabytes(total), unit: 'MB' })
        } else if (!isUnpacking) {
          isUnpacking = true
          print({ kind: 'log', level: 'info', message: 'Unpacking …' })
        }
      }
    })
  )
  console.log(`${component.title} ${component.version}: ${path}\n\nNext:\n  2dquant doctor`)
}

async function removeComponent(id: string): Promise<void> {
  const component = componentOf(id)
  await remove(component, folder())
  console.log(`${component.title} is removed. What runs now and uses it keeps it until it ends.`)
}
