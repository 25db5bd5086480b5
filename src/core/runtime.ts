import type { Graph } from './graph/graph'
import type { Tensor } from './tensor'

/** Tensors by the names of a graph's inputs or outputs. */
export type NamedTensors = ReadonlyMap<string, Tensor>

export interface LoadOptions {
  /** Threads for one operator; all cores when absent. */
  readonly threads?: number
  /** Whether the runtime may fuse and rearrange operators; on when absent. Very large graphs load faster without. */
  readonly optimize?: boolean
}

/** A graph ready to run. It holds native memory until it is disposed. */
export interface Session {
  /**
   * Computes the graph's outputs. Tensors in `into` are overwritten and returned in place of new ones: a caller that
   * runs many times over pictures of one size thus reuses its memory. Runs of one session must not overlap when they
   * share tensors in `into`.
   *
   * @param outputs names of the outputs wanted; all when absent
   * @throws OutOfMemoryError where memory is short, a StudioError ('failed') for other reasons
   */
  run(
    feeds: NamedTensors,
    options?: { readonly outputs?: readonly string[]; readonly into?: NamedTensors }
  ): Promise<NamedTensors>
  /** Gives the memory back. The session cannot be used afterwards. */
  dispose(): Promise<void>
}

/** Something that can execute graphs. */
export interface Runtime {
  readonly name: string
  readonly version: string
  readonly device: string
  /** Bytes of the device's own memory; absent where it is the processor's, or is not known. */
  readonly memoryBytes?: number
  /** Makes a session. Throws a StudioError where the runtime cannot take the graph. */
  load(graph: Graph, options?: LoadOptions): Promise<Session>
  /** Makes a session of an ONNX file, as anyone would who has nothing but the file. Throws a StudioError likewise. */
  loadFile(bytes: Uint8Array, options?: LoadOptions): Promise<Session>
  /**
   * Makes sessions of one graph that run at the same time, sharing the machine's cores; fewer than wanted where the runtime
   * cannot.
   */
  loadCopies(graph: Graph, count: number, options?: LoadOptions): Promise<readonly [Session, ...Session[]]>
}
