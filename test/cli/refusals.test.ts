import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TensorProto_DataLocation, type ModelProto } from 'onnx-buf'
import { beforeAll, describe, expect, it } from 'vitest'
import { floatTensor } from '../../src/core/tensor'
import { onnxFile } from '../formats/onnx-writer'
import { safetensorsFile } from '../formats/safetensors-writer'
import { writeTestPicture } from '../pictures'
import { bundledModel, runCli, temporaryFolder } from './run-cli'

const folder = temporaryFolder()
const at = (...parts: readonly string[]): string => join(folder, ...parts)
const out = at('out')

beforeAll(async () => {
  mkdirSync(at('empty folder'))
  writeFileSync(at('empty.pth'), '')
  writeFileSync(at('notes.txt'), 'These are notes, no tensors.\n'.repeat(50))
  writeFileSync(at('renamed.pth'), readFileSync(at('notes.txt')))
  const bundled = readFileSync(bundledModel)
  writeFileSync(at('cut.safetensors'), bundled.subarray(0, bundled.length / 2))
  const damaged = Buffer.from(bundled)
  damaged.writeFloatLE(NaN, damaged.length - 4000)
  writeFileSync(at('nan.safetensors'), damaged)
  const other = new Map([['layer1.0.conv1.weight', { shape: [4, 3, 3, 3], data: new Float32Array(108) }]])
  writeFileSync(at('other.safetensors'), safetensorsFile(other))
  writeFileSync(at('model.onnx'), Buffer.from([8, 7, 18, 4, 0x74, 0x65, 0x73, 0x74]))
  const input = { name: 'x', shape: [1, 3, 'H', 'W'] }
  const add = { op: 'Add', inputs: ['x', 'c'], outputs: ['y'] }
  const file = { opset: 17, inputs: [input], outputs: ['y'], nodes: [add], constants: { c: floatTensor([1], [1]) } }
  const elsewhere = (model: ModelProto): void => {
    const [constant] = model.graph?.initializer ?? []
    if (constant === undefined) throw new Error('no constant')
    constant.dataLocation = TensorProto_DataLocation.EXTERNAL
    constant.externalData = [{ $typeName: 'onnx.StringStringEntryProto', key: 'location', value: '../notes.txt' }]
  }
  writeFileSync(at('elsewhere.onnx'), onnxFile({ ...file, edit: elsewhere }))
  const magic = [{ op: 'Magic', name: 'm', inputs: ['x'], outputs: ['y'] }]
  writeFileSync(at('unknown.onnx'), onnxFile({ ...file, nodes: magic }))
  writeFileSync(at('plan.json'), '{"schema":1,"quantizers":[{"name":"nowhere.weight","bits":8}]}')
  writeFileSync(at('bad plan.json'), '{"schema":1,"quantizers":[{"name":"a","bits":5}]}')
  await writeTestPicture(at('set', 'HR', 'a.png'), 96, 80)
  await writeTestPicture(at('flat', 'a.png'), 96, 80)
  await writeTestPicture(at('unequal', 'HR', 'a.png'), 96, 80)
  await writeTestPicture(at('unequal', 'LR_bicubic', 'X4', 'ax4.png'), 20, 20)
  await writeTestPicture(at('corrupt', 'HR', 'a.png'), 96, 80)
  const png = readFileSync(at('corrupt', 'HR', 'a.png'))
  writeFileSync(at('corrupt', 'HR', 'a.png'), png.subarray(0, png.length / 3))
  mkdirSync(at('taken'))
  writeFileSync(at('taken', 'precious.txt'), 'mine')
  before = snapshot()
})

/** All files with their contents. */
function snapshot(): ReadonlyMap<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return new Map(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name)
      return [path, entry.isFile() ? readFileSync(path, 'base64') : 'folder']
    })
  )
}
let before: ReadonlyMap<string, string>

const quantize = (...more: readonly string[]): string[] => ['quantize', bundledModel, '--calibration', ...more]
const set = at('set')
const small = ['--patches', '2', '--patch-size', '16']

/** Wrong flags and arguments: exit code 2. */
const misuse: readonly (readonly [name: string, args: readonly string[], says: RegExp])[] = [
  ['no command', [], /no command/],
  ['an unknown command', ['quantise'], /quantise/],
  ['an unknown flag', ['inspect', bundledModel, '--bitz', '4'], /--bitz.*\n?.*--bits/],
  ['a missing argument', ['inspect'], /model/],
  ['a missing required flag', ['quantize', bundledModel, '--out', out], /--calibration/],
  ['a bit width that is not supported', ['inspect', bundledModel, '--bits', '5'], /2, 3, 4, 6 and 8/],
  ['an unknown method', quantize(set, '--out', out, '--method', 'magic'), /minmax, percentile, dbdc, dobi/],
  ['a percentile beyond 100', quantize(set, '--out', out, '--percentile', '101'), /at most 100/],
  [
    'a training without end',
    quantize(set, '--out', out, '--method', '2dquant', '--iterations', '1000000', '--batch', '4096'),
    /1000000 iterations of 4096 patches .* take fewer/
  ],
  ['a size that is none', ['inspect', bundledModel, '--size', '12'], /128x128/],
  ['bicubic without a scale', ['evaluate', 'bicubic', '--set', set], /--scale/],
  ['a variant of a bare model', ['evaluate', bundledModel, '--set', set, '--method', 'dobi'], /--method/],
  ['a flat folder of an unknown kind', quantize(at('flat'), ...small, '--out', out), /--calibration-kind/]
]

/** Input that cannot be used, or work that fails: exit code 1. */
const refusals: readonly (readonly [name: string, args: readonly string[], says: RegExp])[] = [
  ['a model that is not there', ['inspect', at('none.pth')], /There is no file/],
  ['an empty checkpoint', ['inspect', at('empty.pth')], /is empty/],
  ['a renamed text file', ['inspect', at('renamed.pth')], /cannot be read/],
  ['half a checkpoint', ['inspect', at('cut.safetensors')], /cut\.safetensors/],
  ['weights that are no numbers', ['inspect', at('nan.safetensors')], /NaN|finite|no number/],
  ['another architecture', ['inspect', at('other.safetensors')], /other\.safetensors/],
  ['an ONNX model without operators', ['inspect', at('model.onnx')], /"model.onnx".*no operators/],
  ['an ONNX model that keeps weights elsewhere', ['inspect', at('elsewhere.onnx')], /notes\.txt.* not in its folder/],
  ['an ONNX model that knows no such operator', ['inspect', at('unknown.onnx')], /Magic \(node "m"\) of opset 17/],
  ['a folder as a model', ['inspect', at('set')], /folder/],
  ['another scale', quantize(set, ...small, '--scale', '2', '--out', out), /4 times, not 2/],
  ['a calibration folder that is not there', quantize(at('nowhere'), '--out', out), /There is no folder/],
  ['a folder without pictures', quantize(at('empty folder'), '--out', out), /no pictures/],
  [
    'a patch larger than a picture',
    quantize(set, '--patches', '2', '--patch-size', '64', '--out', out),
    /"a".*--patch-size/
  ],
  ['a corrupt picture', quantize(at('corrupt'), ...small, '--out', out), /cannot be read as a picture/],
  ['pictures that do not belong together', quantize(at('unequal'), ...small, '--out', out), /belong together/],
  ['a plan that is not there', quantize(set, ...small, '--plan', at('no.json'), '--out', out), /no plan/],
  ['a plan for no quantizer', quantize(set, ...small, '--plan', at('plan.json'), '--out', out), /nowhere\.weight/],
  ['a plan of wrong form', quantize(set, ...small, '--plan', at('bad plan.json'), '--out', out), /quantizers\.0\.bits/],
  ['an output that exists', quantize(set, ...small, '--out', at('taken')), /exists already/],
  ['an output inside a file', quantize(set, ...small, '--out', at('notes.txt', 'run')), /part of the path is a file/],
  ['a folder that is no run', ['evaluate', at('set'), '--set', set], /run\.json/],
  ['a set without pictures', ['evaluate', bundledModel, '--set', at('empty folder')], /no pictures/],
  ['a picture that is not there', ['upscale', bundledModel, at('no.png'), '--out', out], /There is no picture/],
  ['a text as a picture', ['upscale', bundledModel, at('notes.txt'), '--out', out], /cannot be read as a picture/],
  ['an upscale into a file', ['upscale', bundledModel, at('flat', 'a.png'), '--out', at('notes.txt')], /notes\.txt/]
]

const cases = [
  ...misuse.map(([name, args, says]) => ({ name, args, says, code: 2 })),
  ...refusals.map(([name, args, says]) => ({ name, args, says, code: 1 }))
]

describe.concurrent('the command line refuses', () => {
  it.each(cases)('$name', async ({ args, says, code: expected }) => {
    const { code, stdout, stderr } = await runCli([...args, '--json'].slice(0, args.length === 0 ? 0 : undefined))
    expect(stderr).toMatch(says)
    expect(code).toBe(expected)
    expect(stdout).toBe('')
    const errorLines = stderr.trimEnd().split('\n')
    expect(errorLines.length).toBeLessThanOrEqual(6)
    expect(stderr).not.toContain('fault of 2dquant')
  })
})

describe('after all refusals', () => {
  it('files are as they were, and no other is there', () => {
    expect(snapshot()).toEqual(before)
  })
})
