/** Builds what is missing in out/ or older than what it is made from: programs for Node, and the desktop app if asked for. */
export function ensureBuilt(withApp?: boolean): Promise<void>
/** Whether out/ is as new as what it is made from. */
export function isBuilt(withApp?: boolean): boolean
