import { expect, it } from 'vitest'
import { bitWidths, methodSchema, variantFileName, variantKey, type Bits } from '../../src/contract/bounds'

const mixed = { weight: 4, activation: 8 } as const
const even = { weight: 4, activation: 4 } as const

it.each([
  ['dobi', even, 'dobi-4', 'dobi 4'],
  ['dobi', mixed, 'dobi-4-8', 'dobi 4/8'],
  ['2dquant+', mixed, '2dquant+-4-8', '2dquant+ 4/8'],
  ['fp', null, 'fp', 'fp 32']
])('%s at %o is called %s in files and %s elsewhere', (method, bits: Bits | null, file, key) => {
  expect([variantFileName(method, bits), variantKey({ method, bits })]).toEqual([file, key])
})

it('no two variants share a file or a key', () => {
  const variants = methodSchema.options.flatMap((method) =>
    bitWidths.flatMap((weight) => bitWidths.map((activation) => ({ method, bits: { weight, activation } })))
  )
  expect(new Set(variants.map(({ method, bits }) => variantFileName(method, bits))).size).toBe(variants.length)
  expect(new Set(variants.map(variantKey)).size).toBe(variants.length)
})
