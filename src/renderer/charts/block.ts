/** What of a block is computed how: the paper's Fig. 3 for the network at hand. */

interface Operation {
  readonly key: string
  /** Numbers of the grid: columns from the left, rows from the top; halves lie between. */
  readonly column: number
  readonly row: number
  readonly kind: 'int' | 'fp'
  /** In how many blocks its inputs are quantized, and in how many blocks it is. */
  readonly quantized: number
  readonly blocks: number
}

export interface BlockPicture {
  readonly form: 'swinir' | 'edsr' | 'list'
  readonly operations: readonly Operation[]
  /** From one operation to another, by their keys; `in` and `out` are the block's ends. */
  readonly arrows: readonly (readonly [string, string])[]
  /** Layers outside of the block that are quantized. */
  readonly others: readonly string[]
}

/** An operation, its place, and how quantizers of it are named; none of what stays in full precision always. */
type Part = readonly [key: string, column: number, row: number, quantizers: RegExp | null]

const swinir: readonly Part[] = [
  ['norm1', 0, 1, null],
  ['q', 1, 0, /\.attn\.qkv\.q\.(weight|input)$/],
  ['k', 1, 1, /\.attn\.qkv\.k\.(weight|input)$/],
  ['v', 1, 2, /\.attn\.qkv\.v\.(weight|input)$/],
  ['scores', 2, 0.5, /\.attn\.[qk]$/],
  ['softmax', 3, 0.5, null],
  ['context', 4, 1, /\.attn\.(attention|v)$/],
  ['proj', 5, 1, /\.attn\.proj\.(weight|input)$/],
  ['add1', 6, 1, null],
  ['norm2', 0, 3.4, null],
  ['fc1', 1, 3.4, /\.mlp\.fc1\.(weight|input)$/],
  ['gelu', 2, 3.4, null],
  ['fc2', 3, 3.4, /\.mlp\.fc2\.(weight|input)$/],
  ['add2', 4, 3.4, null]
]
const swinirArrows = [
  ['in', 'norm1'],
  ['norm1', 'q'],
  ['norm1', 'k'],
  ['norm1', 'v'],
  ['q', 'scores'],
  ['k', 'scores'],
  ['scores', 'softmax'],
  ['softmax', 'context'],
  ['v', 'context'],
  ['context', 'proj'],
  ['proj', 'add1'],
  ['add1', 'norm2'],
  ['norm2', 'fc1'],
  ['fc1', 'gelu'],
  ['gelu', 'fc2'],
  ['fc2', 'add2'],
  ['add2', 'out']
] as const

const edsr: readonly Part[] = [
  ['conv1', 0, 0, /^body\.\d+\.conv1\.(weight|input)$/],
  ['relu', 1, 0, null],
  ['conv2', 2, 0, /^body\.\d+\.conv2\.(weight|input)$/],
  ['multiply', 3, 0, null],
  ['add', 4, 0, null]
]
const edsrArrows = [
  ['in', 'conv1'],
  ['conv1', 'relu'],
  ['relu', 'conv2'],
  ['conv2', 'multiply'],
  ['multiply', 'add'],
  ['add', 'out']
] as const

/** Patterns that are listed of a network whose block is not known. */
const mostListed = 15

/**
 * What a block of a network looks like, told by the names of what is quantized. Of an architecture that is not known, every
 * kind of layer that is quantized is listed.
 */
export function blockOf(architecture: string, names: readonly string[]): BlockPicture {
  switch (architecture) {
    case 'SwinIR':
      return known('swinir', swinir, swinirArrows, names)
    case 'EDSR':
      return known('edsr', edsr, edsrArrows, names)
    default:
      return listed(names)
  }
}

/** The layer or product that a quantizer belongs to. */
export function layerOf(name: string): string {
  return name.replace(/\.(weight|input)$/, '')
}

function known(
  form: BlockPicture['form'],
  parts: readonly Part[],
  arrows: BlockPicture['arrows'],
  names: readonly string[]
): BlockPicture {
  const rest = new Set(names)
  const counted = parts.map(([key, column, row, quantizers]) => {
    const found = names.filter((name) => quantizers?.test(name) === true)
    for (const name of found) rest.delete(name)
    // Products have two operands in the same block, layers a weight and an input.
    const blocks = new Set(found.map((name) => name.replace(/\.(attn|mlp|conv[12])\b.*$/, '')))
    return { key, column, row, quantized: blocks.size }
  })
  const blocks = Math.max(0, ...counted.map(({ quantized }) => quantized))
  return {
    form,
    operations: counted.map((each) => ({ ...each, blocks, kind: each.quantized > 0 ? 'int' : 'fp' })),
    arrows,
    others: [...new Set([...rest].map(layerOf))]
  }
}

function listed(names: readonly string[]): BlockPicture {
  const counts = new Map<string, number>()
  for (const layer of new Set(names.map(layerOf))) {
    const pattern = layer.replaceAll(/\d+/g, '*')
    counts.set(pattern, (counts.get(pattern) ?? 0) + 1)
  }
  const patterns = [...counts]
  return {
    form: 'list',
    operations: patterns.slice(0, mostListed).map(([key, quantized], i) => ({
      key,
      column: i % 3,
      row: Math.floor(i / 3),
      kind: 'int',
      quantized,
      blocks: quantized
    })),
    arrows: [],
    others: patterns.slice(mostListed).map(([pattern]) => pattern)
  }
}
