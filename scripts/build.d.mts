/** Builds out/ when it is missing or older than what it is made from. */
export function ensureBuilt(): Promise<void>
/** Whether out/ is as new as what it is made from. */
export function isBuilt(): boolean
