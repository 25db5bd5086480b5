/** The project's folder. */
export const root: string
interface Lock {
  readonly packages: Readonly<
    Record<string, { dependencies?: Record<string, string>; optionalDependencies?: Record<string, string> }>
  >
}
/** The folders of the packages called `names` and of everything that these need. */
export function packagesUnder(names: readonly string[], lock?: Lock): readonly string[]
/** The folders of the packages that the packaged app loads at run time. */
export function productionPackages(): readonly string[]
/** Names of packages that npm counts as production and the app never loads. */
export function unusedPackages(): readonly string[]
