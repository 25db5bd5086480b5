import type { GraphBuilder, Value } from '../graph/builder'

/** The arithmetic of (shifted) windows on a picture whose size is known at run time only. */
export interface WindowGrid {
  /** The picture, mirrored (without its edge) to a whole number of windows as the authors' network does. */
  readonly padded: Value
  /** Tokens [batch, height·width, channels] as a picture [batch, channels, height, width]. */
  picture(tokens: Value, channels: number): Value
  /** Rows [batch·height·width, channels] as tokens. */
  tokens(rows: Value, channels: number): Value
  /** Tokens, rolled by `shift`, as the rows of all windows: [batch·windows·window², channels]. */
  partition(tokens: Value, shift: number, channels: number): Value
  /** Undoes `partition`. */
  reverse(rows: Value, shift: number, channels: number): Value
  /** Attention scores [batch·windows, heads, window², window²], −100 where rolling brought strangers together. */
  mask(scores: Value, shift: number, heads: number): Value
  /** The enlarged picture without what was padded. */
  crop(picture: Value, scale: number, as: string): Value
}

/**
 * Writes the window arithmetic of SwinIR into a graph. Indices and masks are computed once per run from the picture's
 * size and shared by all blocks; for a fixed size they fold to constants.
 */
export function windowGrid(builder: GraphBuilder, picture: Value, window: number): WindowGrid {
  const one = builder.integers([window])
  const tokensPerWindow = window * window
  const count = (axis: number): { readonly size: Value; readonly windows: Value; readonly padded: Value } => {
    const size = builder.size(picture, axis)
    const windows = builder.divide(builder.add(size, builder.integers([window - 1])), one)
    return { size, windows, padded: builder.multiply(windows, one) }
  }
  const batch = builder.size(picture, 0)
  const rows = count(2)
  const columns = count(3)
  const none = builder.integers([0, 0])
  const missing = [rows, columns].map(({ padded, size }) => builder.subtract(padded, size))
  const padded = builder.padReflect(picture, builder.concat([none, none, none, ...missing], 0))

  /** 0, 1, … up to the padded size of an axis. */
  const positions = [rows, columns].map((axis) =>
    builder.apply('Range', [builder.integer(0), builder.apply('Squeeze', [axis.padded]), builder.integer(1)])
  )
  const [rowPositions = '', columnPositions = ''] = positions
  const memo = new Map<string, Value>()
  const once = (key: string, make: () => Value): Value => {
    const value = memo.get(key) ?? make()
    memo.set(key, value)
    return value
  }

  /** Which token stands at each place of the rolled windows, [height·width]. */
  const partitionIndex = (shift: number): Value =>
    once(`partition ${shift}`, () => {
      const rolled = (axis: Value, size: Value): Value =>
        shift === 0 ? axis : builder.modulo(builder.add(axis, builder.integers([shift])), size)
      const row = builder.multiply(rolled(rowPositions, rows.padded), columns.padded)
      const byWindow = builder.reshape(row, [-1, 1, window, 1])
      const column = builder.reshape(rolled(columnPositions, columns.padded), [1, -1, 1, window])
      return builder.reshape(builder.add(byWindow, column), [-1])
    })

  /** Where in the rolled windows each token stands, [height·width]. */
  const reverseIndex = (shift: number): Value =>
    once(`reverse ${shift}`, () => {
      const rolled = (axis: Value, size: Value): Value =>
        shift === 0 ? axis : builder.modulo(builder.add(axis, builder.subtract(size, builder.integers([shift]))), size)
      const row = rolled(rowPositions, rows.padded)
      const column = rolled(columnPositions, columns.padded)
      const times = (x: Value, factor: number): Value => builder.multiply(x, builder.integers([factor]))
      const windowRow = times(builder.multiply(builder.divide(row, one), columns.windows), tokensPerWindow)
      const inRow = builder.add(windowRow, times(builder.modulo(row, one), window))
      const inColumn = builder.add(times(builder.divide(column, one), tokensPerWindow), builder.modulo(column, one))
      const index = builder.add(builder.reshape(inRow, [-1, 1]), builder.reshape(inColumn, [1, -1]))
      return builder.reshape(index, [-1])
    })

  /**
   * [windows, 1, window², window²]: after rolling, windows at the bottom and right hold parts of opposite sides. Parts
   * are numbered by whether a token lies in the last window and in the part that was rolled there.
   */
  const shiftMask = (shift: number): Value =>
    once(`mask ${shift}`, () => {
      const part = (axis: Value, size: Value): Value => {
        const from = (distance: number): Value => {
          const start = builder.subtract(size, builder.integers([distance]))
          return builder.cast(builder.apply('GreaterOrEqual', [axis, start]), 'int64')
        }
        return builder.add(from(window), from(shift))
      }
      const row = builder.multiply(part(rowPositions, rows.padded), builder.integers([3]))
      const byWindow = builder.reshape(row, [-1, 1, window, 1])
      const column = builder.reshape(part(columnPositions, columns.padded), [1, -1, 1, window])
      const parts = builder.reshape(builder.add(byWindow, column), [-1, tokensPerWindow])
      const same = builder.apply('Equal', [
        builder.reshape(parts, [-1, 1, 1, tokensPerWindow]),
        builder.reshape(parts, [-1, 1, tokensPerWindow, 1])
      ])
      return builder.apply('Where', [same, builder.scalar(0), builder.scalar(-100)])
    })

  return {
    padded,
    picture(tokens, channels) {
      const shape = once(`picture ${channels}`, () =>
        builder.concat([batch, builder.integers([channels]), rows.padded, columns.padded], 0)
      )
      return builder.reshapeTo(builder.transpose(tokens, [0, 2, 1]), shape)
    },
    tokens(flat, channels) {
      const shape = once(`tokens ${channels}`, () => builder.concat([batch, builder.integers([-1, channels])], 0))
      return builder.reshapeTo(flat, shape)
    },
    partition(tokens, shift, channels) {
      return builder.reshape(builder.gather(tokens, partitionIndex(shift), 1), [-1, channels])
    },
    reverse(flat, shift, channels) {
      return builder.gather(this.tokens(flat, channels), reverseIndex(shift), 1)
    },
    mask(scores, shift, heads) {
      const shape = once(`scores ${heads}`, () => {
        const windows = builder.multiply(rows.windows, columns.windows)
        return builder.concat([batch, windows, builder.integers([heads, tokensPerWindow, tokensPerWindow])], 0)
      })
      const byPicture = builder.add(builder.reshapeTo(scores, shape), shiftMask(shift))
      return builder.reshape(byPicture, [-1, heads, tokensPerWindow, tokensPerWindow])
    },
    crop(enlarged, scale, as) {
      const ends = [rows, columns].map(({ size }) => builder.multiply(size, builder.integers([scale])))
      return builder.slice(enlarged, none, builder.concat(ends, 0), [2, 3], as)
    }
  }
}
