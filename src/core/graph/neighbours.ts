import type { Value } from './builder'
import type { Graph, Node } from './graph'

/** Which nodes of a graph make its values and read them. */
export class Neighbours {
  readonly #outputs: ReadonlySet<Value>
  readonly #makers: ReadonlyMap<Value, Node>
  readonly #readers = new Map<Value, Node[]>()

  constructor({ nodes, outputs }: Graph) {
    this.#outputs = new Set(outputs)
    this.#makers = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)))
    for (const node of nodes) {
      for (const input of node.inputs) {
        const known = this.#readers.get(input)
        if (known === undefined) this.#readers.set(input, [node])
        else known.push(node)
      }
    }
  }

  /** The node that makes a value; undefined for inputs of the graph and constants. */
  makerOf(value: Value): Node | undefined {
    return this.#makers.get(value)
  }

  /** The nodes that read a value, in their order: each as often as it reads it. */
  readersOf(value: Value): readonly Node[] {
    return this.#readers.get(value) ?? []
  }

  /** The node that reads a value, once; null where others do as well, or the graph gives the value. */
  onlyReaderOf(value: Value): Node | null {
    const [reader, ...others] = this.readersOf(value)
    return reader === undefined || others.length > 0 || this.#outputs.has(value) ? null : reader
  }
}
