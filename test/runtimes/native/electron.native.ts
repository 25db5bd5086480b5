import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { probeResultSchema } from '../../../src/contract/runtimes'

const root = join(import.meta.dirname, '..', '..', '..')

it('TensorFlow computes in a utility process of Electron, as the engine is one', () => {
  const program = join(import.meta.dirname, 'utility-process.cjs')
  const args = [join(root, 'scripts', 'with-display.mjs'), 'electron', '--no-sandbox', program]
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', timeout: 120_000 })
  const line = stdout.split('\n').find((each) => each.startsWith('{'))
  expect(line, stderr).toBeDefined()
  const { usable, reason } = probeResultSchema.parse(JSON.parse(line ?? ''))
  expect([usable, reason]).toEqual([true, 'The test network gave what onnxruntime gives on the processor.'])
})
