import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import { StudioError } from '../engine/errors'
import { zooModels, type ZooModel } from '../engine/zoo/catalogue'
import { onServer } from '../engine/zoo/download'
import { findModels, obtain } from '../engine/zoo/library'
import { appModelsFolder } from './app-runs'
import { jsonOption, printJson, quoted, serverOption } from './options'
import { progressPrinter } from './progress'
import { untilStopped } from './run-job'
import { formatTable } from './table'

interface ListOptions {
  readonly look?: string[]
  readonly json?: boolean
}

interface GetOptions extends ListOptions {
  readonly out?: string
  readonly from?: string
}

const lookOption = (): Option => new Option('--look <dir...>', 'folders in which models may lie, under any name')

export function zooCommand(): Command {
  const list = new Command('list')
    .description('List published models, and which of them are on this machine.')
    .addOption(lookOption())
    .addOption(jsonOption())
    .action(listModels)
  const get = new Command('get')
    .description('Have models on this machine: download them, go on with a download, or take them from where they are.')
    .argument('<id...>', 'as `2dquant zoo list` has them')
    .option('--out <dir>', 'folder to put them in (default: where the app keeps its models)')
    .addOption(lookOption())
    .addOption(serverOption())
    .addOption(jsonOption())
    .action(getModels)
  return new Command('zoo')
    .description('Published models: list and get them.')
    .addCommand(list)
    .addCommand(get)
    .addHelpText('after', '\nExamples:\n  2dquant zoo list --look ~/Downloads\n  2dquant zoo get swinir-light-x4')
}

async function listModels({ look = [], json }: ListOptions): Promise<void> {
  const found = await findModels(zooModels, [appModelsFolder(), ...look])
  const models = zooModels.map((model) => ({ ...told(model), path: found.get(model) ?? null }))
  if (json === true) {
    printJson({ models })
    return
  }
  const rows = models.map(({ id, title, bytes, licence, path }) => [
    id,
    title,
    `${(bytes / 1e6).toFixed(1)} MB`,
    licence,
    path ?? '–'
  ])
  console.log(formatTable(['id', 'model', 'size', 'licence', 'on this machine'], rows))
}

async function getModels(ids: readonly string[], { out, look = [], from, json }: GetOptions): Promise<void> {
  const wanted = ids.map((id) => {
    const model = zooModels.find((each) => each.id === id)
    if (model !== undefined) return model
    const known = zooModels.map((each) => each.id).join(', ')
    throw new StudioError('usage', `There is no model "${id}" in the zoo; there are ${known}.`)
  })
  const folder = resolve(out ?? appModelsFolder())
  const models = []
  for (const model of wanted) {
    const obtained = await untilStopped((signal) => {
      const told = progressPrinter()
      const megabytes = (bytes: number): number => Math.round(bytes / 1e5) / 10
      const onProgress = (bytes: number): void => {
        told({ kind: 'progress', phase: 'load', done: megabytes(bytes), total: megabytes(model.bytes), unit: 'MB' })
      }
      return obtain(onServer(model, from ?? null), folder, look, { signal, onProgress })
    })
    models.push({ ...told(model), ...obtained })
    if (json !== true) console.log(`${model.title} (${obtained.how}): ${obtained.path}`)
  }
  if (json === true) printJson({ models })
  else console.log(`\nNext:\n  2dquant quantize ${quoted(models[0]?.path ?? '')} --calibration <folder of pictures>`)
}

/** What is told of a model to programs. */
function told({ id, title, scale, bytes, sha256, licence, source, url }: ZooModel): Omit<ZooModel, 'name' | 'table3'> {
  return { id, title, scale, bytes, sha256, licence, source, url }
}
