/** What the licence list says about a package. */
export interface CarriedPackage {
  readonly name: string
  readonly version: string
  readonly licence: string | undefined
  readonly texts: readonly string[]
  readonly remark: readonly string[]
}
/** Whether a licence expression (SPDX) can be met by allowed licences alone. */
export function isAllowed(expression: string): boolean
/** What the list says about the package in `folder`. */
export function describePackage(folder: string): CarriedPackage
/** Sentences about packages that may not be shipped as they are. */
export function objections(packages: readonly CarriedPackage[]): readonly string[]
/** The list as a text. */
export function formatLicences(packages: readonly CarriedPackage[]): string
/** Names of the packages that sample photographs are taken from. */
export function samplePackages(): readonly string[]
