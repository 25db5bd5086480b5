import { join } from 'node:path'
import { formatBits, type BitWidth, type BoundsFile, type Quantizer, type Variant } from '../../contract/bounds'
import type { BoundsEdit } from '../../contract/runs'
import { StudioError } from '../../core/errors'
import { levelsOf, type Bounds } from '../../core/quantization/quantizer'
import { withZeroPoint, type ZeroPoint } from '../../core/quantization/zero-point'
import { markOutdated } from '../evaluation-file'
import { boundsFile, json, openRun, replaceFile, variantOf } from '../run-folder'
import { expectUnheld, readCheckpoint } from '../training/live-run'
import { startOf } from '../training/recipe'

/**
 * Changes bounds of a variant by hand, all or none of them; what was measured of it is marked as outdated. What was found
 * before is kept beside the first change, until it is given back.
 *
 * @throws StudioError ('refused') for bounds that are none, for quantizers whose channels have bounds of their own, and while
 *   another process or training that began from this variant needs them as they are; ('missing') where there is no such
 *   variant or quantizer
 */
export async function editBounds(
  folder: string,
  { method, bits }: Pick<Variant, 'method' | 'bits'>,
  edits: readonly BoundsEdit[]
): Promise<void> {
  await expectUnheld(folder)
  const opened = await openRun(folder)
  const { run, bounds } = opened
  const variant = variantOf(opened, { method, bits })
  const begun = (await readCheckpoint(folder))?.key
  const isStart =
    begun !== undefined &&
    startOf(begun.method, run.settings.distillation) === method &&
    formatBits(begun.bits) === formatBits(bits)
  if (isStart) {
    throw new StudioError('refused', 'Training that began from these bounds is not at its end; resume it first.')
  }
  const { zeroPoint } = run.settings
  const quantizers = edits.reduce<readonly Quantizer[]>((all, edit) => edited(all, edit, zeroPoint), variant.quantizers)
  if (quantizers.some((each, i) => !areEqual(each, variant.quantizers[i]))) await markOutdated(folder, { method, bits })
  const variants = bounds.variants.map((each) => (each === variant ? { ...each, quantizers: [...quantizers] } : each))
  const changed: BoundsFile = { ...bounds, variants }
  await replaceFile(join(folder, boundsFile), json(changed))
}

/** The quantizers of a variant after one change. */
function edited(quantizers: readonly Quantizer[], edit: BoundsEdit, zeroPoint: ZeroPoint): readonly Quantizer[] {
  const at = quantizers.findIndex(({ name }) => name === edit.name)
  const quantizer = quantizers[at]
  if (quantizer === undefined) throw new StudioError('missing', `There is no quantizer "${edit.name}".`)
  if (quantizer.channels !== undefined) {
    throw new StudioError(
      'refused',
      `Every channel of "${edit.name}" has bounds of its own; they cannot be set by hand.`
    )
  }
  const { name, kind, bits, search, lower, upper } = quantizer
  const found = quantizer.found ?? { lower, upper }
  const bounds = edit.bounds === null ? found : expectBounds(edit.name, edit.bounds, bits, zeroPoint)
  return quantizers.with(at, {
    name,
    kind,
    bits,
    lower: bounds.lower,
    upper: bounds.upper,
    search,
    ...(areEqual(bounds, found) ? {} : { found }),
    ...(edit.frozen ? { frozen: true } : {})
  })
}

/**
 * Bounds as they are kept, in float32 and with a zero point as the run has them. Throws a StudioError ('refused') where the upper
 * is not above the lower.
 */
export function expectBounds(name: string, bounds: Bounds, bits: BitWidth, zeroPoint: ZeroPoint): Bounds {
  const [lower, upper] = [Math.fround(bounds.lower), Math.fround(bounds.upper)]
  if (Number.isFinite(lower) && Number.isFinite(upper) && upper > lower) {
    const kept = withZeroPoint({ lower, upper }, levelsOf(bits), zeroPoint)
    if (kept.upper > kept.lower) return kept
  }
  const what = `${bounds.lower} and ${bounds.upper} are no bounds of "${name}"`
  throw new StudioError('refused', `${what}: both must be finite, and the upper one above the lower one in 32 bits.`)
}

function areEqual(a: Bounds, b: Bounds | undefined): boolean {
  return a.lower === b?.lower && a.upper === b.upper
}
