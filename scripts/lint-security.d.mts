export function readSources(): Map<string, string>
export function checkSecurity(
  sources: ReadonlyMap<string, string>
): readonly { readonly entry: string; readonly faults: readonly string[] }[]
