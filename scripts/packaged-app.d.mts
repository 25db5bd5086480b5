export function laidOutApp(folder: string): string
export function executableIn(folder: string): string
