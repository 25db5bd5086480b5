import { rename, rm, writeFile } from 'node:fs/promises'
import { contestantTitles, formatBits, weightsNote, type Bits, type Contestant } from '../contract/bounds'
import { escape, renderChart, type Chart } from './report-chart'
import { reportStyle } from './report-style'
import { withDiskErrors } from './run-folder'

/** What a report tells: facts, a table, pictures. Pictures are whole files of bytes, so that the page stands alone. */
export interface Report {
  readonly title: string
  readonly introduction: string
  readonly facts: readonly (readonly [name: string, value: string])[]
  readonly rows: readonly ReportRow[]
  /** How training went. */
  readonly charts: readonly Chart[]
  readonly pictures: readonly ReportPicture[]
}

/** A way to enlarge pictures, and how it did on average. PSNR in dB, infinite or missing as null. */
export interface ReportRow {
  readonly method: Contestant
  readonly bits: Bits | null
  readonly psnr: number | null
  readonly ssim: number | null
  readonly psnrAgainstFp: number | null
  /** Theoretical size of all parameters in 10⁶ bytes, and how many times smaller than full precision. */
  readonly size: { readonly megabytes: number; readonly compression: number } | null
}

/** One scene, enlarged in every way. */
export interface ReportPicture {
  readonly name: string
  readonly views: readonly ReportView[]
}

export interface ReportView {
  /** Views of one group stand in one row, e.g. `4 bits`. */
  readonly group: string
  readonly label: string
  readonly scores: string
  /** Pixels across. */
  readonly width: number
  readonly height: number
  /** A WebP file. */
  readonly webp: Uint8Array
}

/** Writes a report as one page that needs nothing else. It appears complete or not at all. */
export async function writeReport(path: string, report: Report): Promise<void> {
  const partial = `${path}.partial-${process.pid}`
  await withDiskErrors(path, async () => {
    try {
      await writeFile(partial, renderReport(report))
      await rename(partial, path)
    } finally {
      await rm(partial, { force: true })
    }
  })
}

/** The report as an HTML page without scripts: a click on a picture shows it large, with links to its siblings. */
export function renderReport({ title, introduction, facts, rows, charts, pictures }: Report): string {
  const definitions = facts.map(([name, value]) => `<dt>${escape(name)}</dt><dd>${escape(value)}</dd>`)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${escape(title)}</title>
<style>${reportStyle}</style>
<h1>${escape(title)}</h1>
<p>${escape(introduction)}</p>
<dl>${definitions.join('')}</dl>
<h2>Results</h2>
<p>Means over all pictures: PSNR and SSIM on the Y channel of 8-bit output without a border of as many pixels as the scale.
“Against FP” compares with the full-precision output. Sizes are theoretical: all parameters, the quantized ones packed to their bits, and the bounds.</p>
<div class="wide">${renderTable(rows)}</div>
${rows.some(({ method }) => method === '2dquant+') ? `<p>${weightsNote}</p>` : ''}
${charts.length === 0 ? '' : renderCharts(charts)}
<h2>Pictures</h2>
<p>Click a picture to see it at twice its size, and switch between the ways it was made.</p>
${pictures.map((picture, i) => renderPicture(picture, `p${i + 1}`)).join('\n')}
</html>
`
}

function renderCharts(charts: readonly Chart[]): string {
  const labels = [...new Set(charts.flatMap(({ lines }) => lines.map(({ label }) => label)))]
  const legend = labels.map((label, i) => `<span class="line-${i + 1}">${escape(label)}</span>`)
  return `<h2>Training</h2>
<p>The loss of every iteration as a running mean over ten, and the PSNR of the quantized network's output against the
full-precision one on patches that are held out of training. What was best there is kept.</p>
<p class="legend">${legend.join('')}</p>
<div class="charts">${charts.map(renderChart).join('\n')}</div>`
}

function renderTable(rows: readonly ReportRow[]): string {
  const head = ['Method', 'Bits', 'PSNR (dB)', 'SSIM', 'Against FP (dB)', 'Size (MB)', 'Compression']
  const best = new Map<string, number>()
  for (const { bits, psnr } of rows) {
    if (bits !== null) best.set(formatBits(bits), Math.max(best.get(formatBits(bits)) ?? 0, psnr ?? 0))
  }
  const body = rows.map(({ method, bits, psnr, ssim, psnrAgainstFp, size }, i) => {
    const isFirst = i > 0 && formatBits(bits) !== formatBits(rows[i - 1]?.bits ?? null)
    const isBest = bits !== null && psnr === best.get(formatBits(bits))
    const cells = [
      `<td>${contestantTitles[method]}</td>`,
      `<td>${method === 'bicubic' ? '–' : formatBits(bits)}</td>`,
      `<td${isBest ? ' class="best"' : ''}>${psnr?.toFixed(2) ?? '–'}</td>`,
      `<td>${ssim?.toFixed(4) ?? '–'}</td>`,
      `<td>${psnrAgainstFp?.toFixed(2) ?? '–'}</td>`,
      `<td>${size?.megabytes.toFixed(3) ?? '–'}</td>`,
      `<td>${size === null ? '–' : `${size.compression.toFixed(2)}×`}</td>`
    ]
    return `<tr${isFirst ? ' class="first"' : ''}>${cells.join('')}</tr>`
  })
  const titles = head.map((name) => `<th scope="col">${name}</th>`).join('')
  return `<table><thead><tr>${titles}</tr></thead><tbody>${body.join('\n')}</tbody></table>`
}

function renderPicture({ name, views }: ReportPicture, id: string): string {
  const idOf = (i: number): string => `${id}-${i + 1}`
  const figures = views.map(({ group, label, scores, width, height, webp }, i) => {
    const heading = group === views[i - 1]?.group ? '' : `<h4>${escape(group)}</h4>`
    const siblings = views.map((view, k) => {
      const text = view.group === views[0]?.group ? view.label : `${view.label}, ${view.group}`
      return `<a href="#${idOf(k)}"${k === i ? ' aria-current="true"' : ''}>${escape(text)}</a>`
    })
    const source = `data:image/webp;base64,${Buffer.from(webp).toString('base64')}`
    const description = escape(`${name}: ${label}, ${group}`)
    return `${heading}<figure id="${idOf(i)}" style="--width:${width}">
<nav>${siblings.join('')}<a class="close" href="#${id}">Close</a></nav>
<div class="stage"><a href="#${idOf(i)}"><img src="${source}" width="${width}" height="${height}" alt="${description}"></a></div>
<figcaption>${escape(label)} <span>${escape(scores)}</span></figcaption></figure>`
  })
  return `<h3 id="${id}">${escape(name)}</h3>\n<div class="views">${figures.join('\n')}</div>`
}
