import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { makeContext } from '../../src/engine/job'
import { demo, type DemoResult } from '../../src/engine/jobs/demo'
import { bundledModel, temporaryFolder } from '../cli/run-cli'

const folder = temporaryFolder()
const config = {
  model: bundledModel,
  samples: null,
  pictures: join(folder, 'pictures'),
  run: join(folder, 'run'),
  continues: false,
  bits: [4, 2] as const
}
let result: DemoResult
let page: string

beforeAll(async () => {
  const context = await makeContext(() => undefined, new AbortController().signal)
  result = await demo({ ...config, iterations: 20 }, context)
  page = readFileSync(result.report, 'utf8')
}, 300_000)

describe('the demo', () => {
  const psnrOf = (method: string, bits: number | null): number =>
    result.rows.find((row) => row.method === method && (row.bits?.weight ?? null) === bits)?.psnr ?? NaN

  it('has a row for full precision, bicubic and each method at each width', () => {
    expect(result.rows.map(({ method, bits }) => `${method} ${bits?.weight ?? ''}`.trim())).toEqual([
      ...['bicubic', 'fp'],
      ...[4, 2].flatMap((bits) =>
        ['minmax', 'percentile', 'dobi', '2dquant', '2dquant+'].map((method) => `${method} ${bits}`)
      )
    ])
  })

  it('shows what the paper shows: DOBI holds where MinMax breaks down', () => {
    expect(psnrOf('fp', null)).toBeGreaterThan(psnrOf('bicubic', null) + 1)
    for (const bits of [4, 2]) expect(psnrOf('dobi', bits)).toBeGreaterThan(psnrOf('minmax', bits))
    expect(psnrOf('dobi', 2)).toBeGreaterThan(psnrOf('percentile', 2))
    expect(psnrOf('dobi', 2)).toBeGreaterThan(psnrOf('bicubic', null))
    expect(psnrOf('2dquant', 2)).toBeGreaterThan(psnrOf('dobi', 2))
    expect(psnrOf('2dquant+', 2)).toBeGreaterThan(psnrOf('2dquant', 2))
  })

  it('can be repeated in the same place', async () => {
    const controller = new AbortController()
    const context = await makeContext(() => {
      controller.abort()
    }, controller.signal)
    // It comes as far as the first patch, so the folder of before was no obstacle.
    await expect(demo(config, context)).rejects.toThrow(/abort/i)
  })
})

describe('its report', () => {
  it('needs nothing but itself and runs no script', () => {
    expect(page).not.toMatch(/(src|href)="(?!data:|#)/)
    expect(page).not.toContain('<script')
    expect(page).toContain(`default-src 'none'`)
  })

  it('holds every picture in every way, each a WebP file of the size it says', async () => {
    const images = [...page.matchAll(/src="data:image\/webp;base64,([^"]+)" width="(\d+)" height="(\d+)"/g)]
    expect(images).toHaveLength(4 * 13)
    for (const [, base64 = '', width, height] of images) {
      const metadata = await sharp(Buffer.from(base64, 'base64')).metadata()
      expect([metadata.format, metadata.width, metadata.height]).toEqual(['webp', Number(width), Number(height)])
    }
  })

  it('draws the curves of both trained methods at every width', () => {
    const charts = [...page.matchAll(/<svg class="chart"[^]+?<\/svg>/g)].map(([chart]) => chart)
    expect(charts).toHaveLength(2 * 2)
    const points = charts.map((chart) => {
      return [...chart.matchAll(/points="([^"]+)"/g)].map(([, path = '']) => path.split(' ').length)
    })
    // A loss for each of 20 iterations; validated at 0 and 20.
    expect(points).toEqual([...new Array<number[]>(2).fill([20, 20]), ...new Array<number[]>(2).fill([2, 2])])
    expect(page).toContain('2DQuant+ changes the weights')
  })

  it('has a target for every link', () => {
    const ids = new Set([...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))
    const links = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id)
    expect(links.length).toBeGreaterThan(0)
    expect(links.filter((id) => !ids.has(id))).toEqual([])
  })

  it('tells the numbers of the table', () => {
    for (const { psnr } of result.rows) expect(page).toContain(`>${psnr?.toFixed(2)}</td>`)
  })
})
