import type { StudioBridge } from '../preload'

declare global {
  interface Window {
    /** What the preload offers. */
    readonly studio: StudioBridge
  }
}
