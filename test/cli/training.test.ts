import { spawn } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Variant } from '../../src/contract/bounds'
import { jobEventSchema, type JobEvent } from '../../src/contract/events'
import { evaluateResultSchema, quantizeResultSchema } from '../../src/contract/results'
import { unpackNumbers } from '../../src/engine/packed'
import { openRun } from '../../src/engine/run-folder'
import { readSafetensors } from '../../src/formats/safetensors'
import { readImage } from '../../src/formats/image-files'
import { writeTestPicture } from '../pictures'
import { writeSmallModel } from '../golden-model'
import { bundledModel, json, program, runCli, temporaryFolder } from './run-cli'

const folder = temporaryFolder()
const pictures = join(folder, 'pictures')
const smallModel = writeSmallModel(folder)

function training(name: string, ...more: readonly string[]): string[] {
  const small = ['--calibration', pictures, '--patches', '3', '--patch-size', '16', '--batch', '2']
  return ['quantize', bundledModel, ...small, '--out', join(folder, name), '--json', ...more]
}

const trainingOfSmall = (name: string, ...more: readonly string[]): string[] =>
  training(name, ...more).with(1, smallModel)

async function variantsOf(args: readonly string[]): Promise<readonly Variant[]> {
  json(await runCli(args))
  return (await openRun(args[args.indexOf('--out') + 1] ?? '')).bounds.variants
}

const train = (name: string, ...more: readonly string[]): ReturnType<typeof variantsOf> =>
  variantsOf(training(name, ...more))

const nameOf = ({ method, bits }: Pick<Variant, 'method' | 'bits'>): string => `${method} ${bits.weight}`

function eventsOf(run: string): readonly JobEvent[] {
  const lines = readFileSync(join(run, 'events.jsonl'), 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => jobEventSchema.parse(JSON.parse(line)))
}

/** All files of a folder by their names, what tells a time apart. */
function filesOf(run: string): ReadonlyMap<string, string> {
  const files = readdirSync(run, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return new Map(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name)
      const bytes = readFileSync(path)
      const text =
        entry.name === 'run.json' ? bytes.toString().replace(/"created": "[^"]*"/, '') : bytes.toString('hex')
      return [relative(run, path), text]
    })
  )
}

beforeAll(async () => {
  await writeTestPicture(join(pictures, 'HR', 'one.png'), 96, 72)
  await writeTestPicture(join(pictures, 'HR', 'two.png'), 101, 90, 7)
})

describe('training', () => {
  const options = ['--bits', '4,2', '--method', '2dquant+,2dquant', '--iterations', '41']
  let variants: readonly Variant[]

  beforeAll(async () => {
    variants = await train('trained', ...options)
  })

  it('keeps the bounds it began with beside those it found', () => {
    expect(variants.map(nameOf)).toEqual(['dobi 4', 'dobi 2', '2dquant 4', '2dquant 2', '2dquant+ 4', '2dquant+ 2'])
    const [dobi, , bounds] = variants
    expect(new Set(bounds?.quantizers.map(({ search }) => search))).toEqual(new Set(['distilled']))
    const moved = bounds?.quantizers.filter(({ upper }, i) => upper !== dobi?.quantizers[i]?.upper) ?? []
    expect(moved.length).toBeGreaterThan(100)
    for (const { quantizers } of variants) {
      expect(quantizers.every(({ lower, upper }) => upper > lower)).toBe(true)
    }
  })

  it('names the iteration that was best on held-out patches, and keeps what it was', () => {
    const events = eventsOf(join(folder, 'trained'))
    for (const { method, bits, training: told } of variants.slice(2)) {
      const validations = events.flatMap((event) =>
        event.kind === 'validation' && event.method === method && event.bits.weight === bits.weight ? [event] : []
      )
      expect(validations.map(({ iteration }) => iteration)).toEqual([0, 20, 40, 41])
      const best = validations.reduce((a, b) => (b.psnr > a.psnr ? b : a))
      expect(told).toEqual({
        iterations: 41,
        bestIteration: best.iteration,
        psnrAtStart: validations[0]?.psnr,
        psnr: best.psnr,
        outcome: 'finished'
      })
    }
  })

  it('tells losses, the share of the feature term, agreement with the originals and a piece of the picture', async () => {
    const run = join(folder, 'trained')
    const events = eventsOf(run)
    const losses = events.filter((event) => event.kind === 'loss')
    expect(losses).toHaveLength(4 * 41)
    for (const { output, feature } of losses) {
      expect(output).toBeGreaterThan(0)
      expect(feature).toBeGreaterThan(0)
    }
    for (const event of events) {
      if (event.kind !== 'validation') continue
      expect(event.featureShare).toBeGreaterThan(0)
      expect(event.featureShare).toBeLessThan(1)
      expect(event.psnrAgainstHr).toBeGreaterThan(5)
      // Eight held-out patches side by side, whole, as they are smaller than 128 pixels.
      const { image } = await readImage(join(run, event.preview))
      expect(image).toMatchObject({ width: 8 * 64, height: 64, channels: 3 })
      expect(event.reference !== undefined).toBe(event.iteration === 0)
      if (event.reference === undefined) continue
      const { image: reference } = await readImage(join(run, event.reference))
      const squares = image.data.map((value, i) => ((value - (reference.data[i] ?? NaN)) / 255) ** 2)
      const psnr = -10 * Math.log10(squares.reduce((a, b) => a + b, 0) / squares.length)
      // The files are rounded to 8 bits and clipped.
      expect(Math.abs(psnr - event.psnr)).toBeLessThan(0.5)
    }
  })

  it('changes weights with 2DQuant+ alone, and says so', async () => {
    const original = readSafetensors(readFileSync(bundledModel), 'model').tensors
    for (const { method, weights } of variants) expect(weights === undefined).toBe(method !== '2dquant+')
    const file = variants.at(-1)?.weights ?? ''
    const { tensors } = readSafetensors(readFileSync(join(folder, 'trained', file)), file)
    const name = 'layers.0.residual_group.blocks.0.mlp.fc1.weight'
    expect(tensors.get(name)?.shape).toEqual(original.get(name)?.shape)
    expect(tensors.get(name)?.data).not.toEqual(original.get(name)?.data)
    expect(tensors.has('layers.0.residual_group.blocks.0.attn.relative_position_bias_table')).toBe(true)
    const { stdout } = await runCli(['evaluate', join(folder, 'trained'), '--set', pictures])
    expect(stdout).toContain('2DQuant+ changes the weights')
  })

  it('brings the student nearer to the teacher, with weights still nearer', async () => {
    const set = ['evaluate', join(folder, 'trained'), '--bits', '2', '--set', pictures, '--json']
    const { results } = evaluateResultSchema.parse(json(await runCli(set)))
    const [dobi, bounds, weights] = ['dobi', '2dquant', '2dquant+'].map(
      (wanted) => results.find(({ method }) => method === wanted)?.againstFp?.[0]?.mean.psnr ?? NaN
    )
    expect(bounds).toBeGreaterThan(dobi ?? NaN)
    expect(weights).toBeGreaterThan(bounds ?? NaN)
  })

  it('makes the same files from the same seed, and others from another', async () => {
    const short = ['--bits', '2', '--method', '2dquant+', '--iterations', '6']
    const [one, again, other] = [
      await variantsOf(trainingOfSmall('one', ...short)),
      await variantsOf(trainingOfSmall('again', ...short)),
      await variantsOf(trainingOfSmall('other', ...short, '--seed', '1'))
    ]
    expect(filesOf(join(folder, 'again'))).toEqual(filesOf(join(folder, 'one')))
    expect(again).toEqual(one)
    expect(other.at(-1)?.quantizers).not.toEqual(one.at(-1)?.quantizers)
  })

  it.each([
    ['released', 'minmax', 'groups'],
    ['paper', 'percentile', 'blocks'],
    ['corrected', 'minmax', 'layers.0.residual_group.blocks.1,layers.1.residual_group.blocks.3']
  ])('takes the %s loss, from %s bounds, by features of %s, with weights of quantized layers alone', async (...how) => {
    const [loss, init, features] = how
    const choices = ['--loss', loss, '--init', init, '--features', features, '--train', 'quantized']
    const found = await train(`by ${loss}`, '--method', '2dquant+', '--iterations', '2', ...choices)
    expect(found.map(nameOf)).toEqual([`${init} 4`, '2dquant+ 4'])
    const file = found.at(-1)?.weights ?? ''
    const { tensors } = readSafetensors(readFileSync(join(folder, `by ${loss}`, file)), file)
    const sites = found[0]?.quantizers.filter(({ kind }) => kind === 'weight').map(({ name }) => name)
    expect([...tensors.keys()]).toEqual(sites)
  })

  it('knows no feature that the network has not', async () => {
    const { code, stderr } = await runCli(training('stray', '--method', '2dquant', '--features', 'layers.0,nowhere'))
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/no feature "layers\.0"; `2dquant inspect --json` lists them/)
    ])
    expect(existsSync(join(folder, 'stray'))).toBe(false)
  })

  it('tells how long each preset takes, stops where it diverges, keeps the best until then and says so', async () => {
    const wild = ['--learning-rate', '0.9', '--schedule', 'constant', '--weight-learning-rate', '0.5']
    const outcome = await runCli(training('wild', '--method', '2dquant+', '--iterations', '300', ...wild))
    expect(outcome.stderr).toMatch(/Training takes about .+ \(fast .+, paper .+, best .+\)\.\n(.*\n)*Collecting/)
    const { variants: told } = quantizeResultSchema.parse(json(outcome))
    expect(told.at(-1)?.training).toMatchObject({ outcome: 'diverged', bestIteration: 0 })
    expect(told.at(-1)?.training?.iterations).toBeLessThan(300)
    expect(outcome.stderr).toMatch(/warning: 2DQuant\+ at 4 bits diverged in iteration \d+/)
    expect(outcome.stderr).toContain('gained nothing over the dobi bounds')
    const { bounds } = await openRun(join(folder, 'wild'))
    const [dobi, trained] = bounds.variants.map(({ quantizers }) => quantizers.map(({ upper }) => upper))
    expect(trained).toEqual(dobi)
  })
})

describe('DBDC+Pac', () => {
  it('begins with DBDC bounds, channel by channel in weights, and trains in two phases', async () => {
    const variants = await variantsOf(trainingOfSmall('pac', '--method', 'dbdc+pac', '--bits', '4', '--batch', '1'))
    expect(variants.map(nameOf)).toEqual(['dbdc 4', 'dbdc+pac 4'])
    const [start, trained] = variants
    const first = start?.quantizers.find(({ name }) => name.endsWith('mlp.fc1.weight'))
    const changed = trained?.quantizers.find(({ name }) => name === first?.name)
    expect(first?.channels?.length).toBeGreaterThan(1)
    expect(changed?.channels).toHaveLength(first?.channels?.length ?? NaN)
    expect(trained?.training).toMatchObject({ iterations: 500, outcome: 'finished' })
    expect(trained?.training?.psnr).toBeGreaterThan(trained?.training?.psnrAtStart ?? NaN)
    const rates = eventsOf(join(folder, 'pac')).flatMap((event) => (event.kind === 'loss' ? [event.learningRate] : []))
    // Each phase falls from 5e-3 to 2e-3.
    expect([rates[0], rates[249], rates[250], rates[499]].map((rate) => rate?.toFixed(4))).toEqual([
      ...['0.0050', '0.0020', '0.0050', '0.0020']
    ])
    const set = ['evaluate', join(folder, 'pac'), '--set', pictures, '--json']
    expect(evaluateResultSchema.parse(json(await runCli(set))).results).toHaveLength(3)
  })
})

describe('a run that was interrupted', () => {
  const options = ['--bits', '2', '--method', '2dquant,2dquant+', '--iterations', '130']
  const whole = join(folder, 'whole')

  beforeAll(async () => {
    await variantsOf(trainingOfSmall('whole', ...options))
  })

  it('ends where the uninterrupted run ends, killed at ten random moments', { timeout: 300_000 }, async () => {
    const run = join(folder, 'killed')
    let executed = 0
    /** Iterations of the last checkpoint by variant, and those told of after it. */
    const standing = (): { readonly checkpoint: number; readonly told: number } => {
      const path = join(run, 'checkpoint.bin')
      if (!existsSync(run)) return { checkpoint: 0, told: 0 }
      const losses = readFileSync(join(run, 'events.jsonl'), 'utf8').match(/"kind":"loss"/g)?.length ?? 0
      const done = (JSON.parse(readFileSync(join(run, 'bounds.json'), 'utf8')) as { variants: { method: string }[] })
        .variants
      const finished = 130 * (done.length - 1)
      if (!existsSync(path)) return { checkpoint: finished, told: losses }
      const { header } = unpackNumbers(readFileSync(path)) as { header: { key: Variant; iteration: number } }
      const isCurrent = !done.some(({ method }) => method === header.key.method)
      return { checkpoint: finished + (isCurrent ? header.iteration : 0), told: losses }
    }
    for (let kill = 0; kill < 10; kill++) {
      const before = standing()
      // The first before there is anything; each of the others in a training that has gone on since.
      const target = kill === 0 ? 0 : before.told + 1 + Math.floor(Math.random() * 25)
      const args = existsSync(run) ? ['resume', run] : trainingOfSmall('killed', ...options)
      const delay = Math.random() * (kill === 0 ? 1500 : 60)
      expect(await isKilled(args, () => standing().told >= target, delay)).toBe(true)
      const { checkpoint, told } = standing()
      executed += told - before.checkpoint
      // What must be taken again; one more step may have been taken but not told.
      expect(told - checkpoint).toBeLessThanOrEqual(25)
    }
    const before = standing().checkpoint
    json(await runCli(['resume', run, '--json']))
    executed += standing().told - before
    expect(executed).toBeLessThanOrEqual(2 * 130 + 25 * 10)
    expect(executed).toBeGreaterThanOrEqual(2 * 130)
    expect(filesOf(run)).toEqual(filesOf(whole))
  })

  it('is paused by Ctrl+C and goes on; its finished part can be used meanwhile', async () => {
    const run = join(folder, 'paused')
    const { code, stderr } = await runCli(trainingOfSmall('paused', ...options), (text, end) => {
      if (text.includes('2DQuant+ at 2 bits, iteration 20')) end()
    })
    expect(code).toBe(1)
    expect(stderr).toMatch(/Paused 2DQuant\+ at 2 bits after iteration \d+ of 130; go on with `2dquant resume/)
    const paused = await openRun(run)
    expect(paused.run.state).toBe('paused')
    expect(paused.bounds.variants.map(nameOf)).toEqual(['dobi 2', '2dquant 2'])
    json(await runCli(['evaluate', run, '--set', pictures, '--json']))
    const result = quantizeResultSchema.parse(json(await runCli(['resume', run, '--json'])))
    expect(result.variants.map(nameOf)).toEqual(['2dquant+ 2'])
    expect(filesOf(run)).toEqual(filesOf(whole))
  })

  it('can be ended with the best so far', async () => {
    const run = join(folder, 'ended')
    await runCli(trainingOfSmall('ended', ...options), (text, end) => {
      if (text.includes('2DQuant at 2 bits, iteration 40')) end()
    })
    const { variants } = quantizeResultSchema.parse(json(await runCli(['resume', run, '--keep-best', '--json'])))
    expect(variants.map(nameOf)).toEqual(['2dquant 2'])
    expect(variants[0]?.training).toMatchObject({ outcome: 'stopped' })
    expect(variants[0]?.training?.iterations).toBeLessThan(130)
    const { run: file, bounds } = await openRun(run)
    expect(file.state).toBe('done')
    expect(bounds.variants.map(nameOf)).toEqual(['dobi 2', '2dquant 2'])
  })

  describe('is not resumed', () => {
    let paused = ''

    /** A paused run in a copy that may be spoilt. */
    const copy = (name: string): string => {
      const run = join(folder, name)
      cpSync(paused, run, { recursive: true })
      return run
    }
    const refusal = async (run: string): Promise<string> => {
      const before = filesOf(run)
      const { code, stderr } = await runCli(['resume', run])
      expect(code).toBe(1)
      expect(filesOf(run)).toEqual(before)
      return stderr.trim().split('\n').at(-1) ?? ''
    }

    beforeAll(async () => {
      paused = join(folder, 'to be copied')
      cpSync(smallModel, join(folder, 'model.safetensors'))
      cpSync(pictures, join(folder, 'photos'), { recursive: true })
      const own = ['--calibration', join(folder, 'photos'), '--iterations', '60', '--method', '2dquant']
      const args = training('to be copied', ...own).with(1, join(folder, 'model.safetensors'))
      await runCli(args, (text, end) => {
        if (text.includes('iteration 40')) end()
      })
      expect((await openRun(paused)).run.state).toBe('paused')
    })

    it('when it is finished', async () => {
      expect(await refusal(whole)).toMatch(/is finished; there is nothing to resume/)
    })

    it('when its settings were changed', async () => {
      const run = copy('settings')
      const file = join(run, 'run.json')
      writeFileSync(file, readFileSync(file, 'utf8').replace('"iterations": 60', '"iterations": 70'))
      expect(await refusal(run)).toMatch(/The settings in its run\.json changed/)
    })

    it('when its checkpoint is damaged, and says what to do', async () => {
      const run = copy('damaged')
      const file = join(run, 'checkpoint.bin')
      writeFileSync(file, readFileSync(file).subarray(0, -100))
      expect(await refusal(run)).toMatch(/checkpoint\.bin" is damaged; remove it to train this variant from its start/)
      rmSync(file)
      json(await runCli(['resume', run, '--json']))
    })

    it('while another process is at work on it', async () => {
      const run = copy('locked')
      writeFileSync(join(run, 'lock'), String(process.pid))
      expect(await refusal(run)).toMatch(/Another process \(\d+\) is at work/)
      // A process of this number is long gone.
      writeFileSync(join(run, 'lock'), '4194999')
      json(await runCli(['resume', run, '--json']))
    })

    it('when its pictures or its model changed', async () => {
      const run = copy('changed')
      await writeTestPicture(join(folder, 'photos', 'HR', 'one.png'), 96, 72, 1)
      expect(await refusal(run)).toMatch(/The pictures in ".+" changed/)
      await writeTestPicture(join(folder, 'photos', 'HR', 'one.png'), 96, 72)
      const model = join(folder, 'model.safetensors')
      writeFileSync(model, Buffer.concat([readFileSync(model).subarray(0, -4), Buffer.from([0, 0, 0, 0])]))
      expect(await refusal(run)).toMatch(/The model "model\.safetensors" changed/)
    })
  })
})

/** Runs the command line and kills it without warning so many milliseconds after it is time; whether it still ran then. */
async function isKilled(args: readonly string[], isTime: () => boolean, delay: number): Promise<boolean> {
  const child = spawn(process.execPath, [program, ...args], { stdio: 'ignore' })
  let since: number | null = null
  const watch = setInterval(() => {
    if (since === null && isTime()) since = performance.now()
    if (since !== null && performance.now() - since >= delay) child.kill('SIGKILL')
  }, 5)
  const signal = await new Promise((resolve) =>
    child.on('close', (_, by) => {
      resolve(by)
    })
  )
  clearInterval(watch)
  return signal === 'SIGKILL'
}
