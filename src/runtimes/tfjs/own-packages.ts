/**
 * A folder whose node_modules hold packages that are no part of this program, such as TensorFlow with its native library; null where
 * there is none.
 */
export function ownPackages(): string | null {
  return process.env['STUDIO_TFJS_PATH'] ?? null
}
