/** Errors as the engine's callers see them. */
export { StudioError } from '../core/errors'
