import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { settingsOf } from '../../src/contract/presets'
import { floatTensor } from '../../src/core/tensor'
import { makeContext, type JobContext } from '../../src/engine/job'
import { exportVariant } from '../../src/engine/jobs/export'
import { quantize } from '../../src/engine/jobs/quantize'
import { onnxruntimeCpu } from '../../src/runtimes/onnxruntime'
import { bundledModel, temporaryFolder } from '../cli/run-cli'
import { documentedProgram } from '../documented'
import { preparePictures } from '../e2e/pictures'
import { compile, runProgram } from './cpp'
import { readFloats } from './floats'

const folder = temporaryFolder()
const run = join(folder, 'run')
const bits = { weight: 4, activation: 4 } as const
const [height, width] = [24, 40]
let context: JobContext
let program = ''

beforeAll(async () => {
  context = await makeContext(() => undefined, new AbortController().signal)
  const { calibration } = await preparePictures(folder)
  const usual = settingsOf('fast')
  const settings = { ...usual, methods: ['dobi' as const], bits: [bits], patches: 2, patchSize: 32, distillation: null }
  const shared = { overrides: {}, scale: undefined, calibrationKind: undefined, tellsTime: false }
  await quantize({ model: bundledModel, ...shared, calibration, settings, out: run }, context)
  // What is documented, between files of float32.
  program = await compile(
    `${documentedProgram('deploy.md', 'cpp')}
#include <fstream>
int main(int, char** paths) {
  Ort::Env env;
  Ort::Session session(env, paths[1], Ort::SessionOptions{});
  std::vector<float> x(3 * ${height} * ${width});
  std::ifstream(paths[2], std::ios::binary).read(reinterpret_cast<char*>(x.data()), x.size() * sizeof(float));
  const std::vector<float> y = enlarge(session, x, ${height}, ${width});
  std::ofstream(paths[3], std::ios::binary).write(reinterpret_cast<const char*>(y.data()), y.size() * sizeof(float));
}`,
    join(folder, 'cpp')
  )
})

describe('the documented program of C++', () => {
  it.each(['packed', 'compact', 'integer'] as const)('computes what a %s network gives here', async (kind) => {
    const shared = { out: null, opset: 25 as const, pictures: null, isTimed: false }
    const { file } = await exportVariant({ run, filter: { method: 'dobi', bits }, kind, ...shared }, context)
    const x = Float32Array.from({ length: 3 * height * width }, (_, i) => 0.5 + 0.4 * Math.sin(i / 11))
    const [given, made] = [join(folder, 'x.raw'), join(folder, `${kind}.raw`)]
    writeFileSync(given, Buffer.from(x.buffer))
    runProgram(program, [file, given, made])
    const session = await onnxruntimeCpu.loadFile(readFileSync(file))
    const expected = (await session.run(new Map([['lr', floatTensor(x, [1, 3, height, width])]]))).get('sr')
    await session.dispose()
    const found = readFloats(made)
    expect(found).toHaveLength(48 * height * width)
    const difference = found.reduce((sum, value, i) => sum + Math.abs(value - Number(expected?.data[i])), 0)
    expect(difference / found.length).toBeLessThan(1e-3)
  })
})
