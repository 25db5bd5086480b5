/** Names of the Debian packages that the app's window needs. */
export function neededPackages(withDisplay?: boolean): readonly string[]
/** The needed names that are not installed, as this release calls them. */
export function missingPackages(
  needed: readonly string[],
  installed: ReadonlySet<string>,
  available: ReadonlySet<string>
): readonly string[]
