import { StudioError } from '../core/errors'

/** Errors as the engine's callers see them. */
export { StudioError }

/** Whether an error is of one picture or folder, which is not there or is of no use, and others may do. */
export function isOfPicture(error: unknown): error is StudioError {
  return error instanceof StudioError && ['missing', 'unreadable', 'refused'].includes(error.code)
}

/** What is wanted of one picture among others; null where it is not there or of no use. */
export async function orNull<T>(wanted: Promise<T>): Promise<T | null> {
  try {
    return await wanted
  } catch (error) {
    if (isOfPicture(error)) return null
    throw error
  }
}
