/** An element of a drawing: what an SVG file is made of, and what a page shows of it. */
export interface Drawn {
  readonly tag: string
  readonly attributes: Readonly<Record<string, string | number>>
  readonly children: readonly (Drawn | string)[]
}

export function draw(
  tag: string,
  attributes: Drawn['attributes'] = {},
  children: readonly (Drawn | string)[] = []
): Drawn {
  return { tag, attributes, children }
}

/** A drawing of that size, to be put into a page or another drawing, or to be written as a file. */
export function sheet(width: number, height: number, children: readonly Drawn[]): Drawn {
  const attributes = { xmlns: 'http://www.w3.org/2000/svg', width, height, viewBox: `0 0 ${width} ${height}` }
  return draw('svg', attributes, children)
}

/** A drawing as the text of an SVG file. */
export function svgOf({ tag, attributes, children }: Drawn): string {
  const written = Object.entries(attributes).map(([name, value]) => ` ${name}="${escaped(String(value))}"`)
  const inside = children.map((child) => (typeof child === 'string' ? escaped(child) : svgOf(child))).join('')
  return inside === '' ? `<${tag}${written.join('')}/>` : `<${tag}${written.join('')}>${inside}</${tag}>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

/** A coordinate with two digits, which is finer than can be seen. */
export function round(value: number): number {
  return Math.round(value * 100) / 100 || 0
}

/** A line through points, as the data of a path; it is broken where one is not a number. */
export function pathOf(points: Iterable<readonly [number, number]>): string {
  let path = ''
  let isDown = false
  for (const [x, y] of points) {
    const isThere = Number.isFinite(x) && Number.isFinite(y)
    if (isThere) path += `${isDown ? 'L' : 'M'}${round(x)} ${round(y)}`
    isDown = isThere
  }
  return path
}

/** Strokes that fill an area, so that it is told from others without colour. */
export function hatch(id: string, colour: string, gap = 6): Drawn {
  return draw(
    'pattern',
    { id, width: gap, height: gap, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
    [draw('line', { x1: 0, y1: 0, x2: 0, y2: gap, stroke: colour, 'stroke-width': 2 })]
  )
}
