import type { EvaluateResult, SetScores } from '../../contract/results'
import type { Published } from '../../contract/runs'
import { officialFile, zooModels, type OfficialFile } from '../zoo/catalogue'
import { publishedSets, table3, type PublishedSet } from './table3'

/** Names of the pictures of a set, where they are one each everywhere. */
const pictureNames: Readonly<Partial<Record<PublishedSet, readonly string[]>>> = {
  Set5: ['baby', 'bird', 'butterfly', 'head', 'woman'],
  Set14: [
    'baboon',
    'barbara',
    'bridge',
    'coastguard',
    'comic',
    'face',
    'flowers',
    'foreman',
    'lenna',
    'man',
    'monarch',
    'pepper',
    'ppt3',
    'zebra'
  ],
  Urban100: Array.from({ length: 100 }, (_, i) => `img_${String(i + 1).padStart(3, '0')}`)
}

/** What names look like where only that is known: those of B100 are numbers of the Berkeley data set. */
const namePatterns: Readonly<Partial<Record<PublishedSet, RegExp>>> = { B100: /^\d+$/ }

/**
 * What the paper says of what was measured. Values stand beside a measurement only where both are of the same weights, bit
 * for bit, and of a whole test set.
 *
 * @param sha256 of the model's file
 */
export function publishedBeside(
  results: EvaluateResult['results'],
  sha256: string,
  files: readonly OfficialFile[] = zooModels
): Published {
  const scale = officialFile(sha256, files)?.table3 ?? null
  if (scale === null) {
    const reason =
      'The values of the paper are of the published weights of SwinIR-light; this file is none of those that are known (×2, ×4).'
    return { kind: 'none', reason }
  }
  const measured = results.find(({ method }) => method === 'fp')?.sets ?? results[0]?.sets ?? []
  const reasons = measured.flatMap((set) => {
    const reason = reasonAgainst(set)
    return reason === null ? [] : [{ set: set.name, reason }]
  })
  const rows = measured.flatMap((set) => {
    const column = reasonAgainst(set) === null ? Object.keys(publishedSets).indexOf(nameOf(set) ?? '') : -1
    return table3.flatMap(([of, method, bits, scores]) => {
      const [psnr, ssim] = scores[column] ?? []
      const isMeasured = results.some((result) => {
        const { weight = null, activation = null } = result.bits ?? {}
        return result.method === method && weight === bits && activation === bits
      })
      if (of !== scale || !isMeasured || psnr === undefined || ssim === undefined) return []
      return [{ set: set.name, method, bits, psnr, ssim }]
    })
  })
  return { kind: 'values', rows, reasons }
}

/** Which of the paper's sets a set is by its name. */
function nameOf({ name }: SetScores): PublishedSet | null {
  const names = Object.keys(publishedSets) as PublishedSet[]
  return names.find((each) => each.toLowerCase() === name.toLowerCase()) ?? null
}

/** Why a set is none of the paper's as a whole, in one sentence; null where it is one. */
function reasonAgainst(set: SetScores): string | null {
  const { name, reference, images } = set
  const known = nameOf(set)
  if (known === null) return `"${name}" is none of the paper's test sets.`
  if (reference !== 'hr') return `"${name}" was measured against full precision, not against its original pictures.`
  const count = publishedSets[known]
  if (images.length !== count) return `"${name}" has ${images.length} of its ${count} pictures.`
  const names = new Set(images.map((image) => image.name))
  const pattern = namePatterns[known]
  const isWhole =
    (pictureNames[known]?.every((each) => names.has(each)) ?? true) &&
    names.size === count &&
    (pattern === undefined || [...names].every((each) => pattern.test(each)))
  return isWhole ? null : `"${name}" holds other pictures than the paper's test set.`
}
