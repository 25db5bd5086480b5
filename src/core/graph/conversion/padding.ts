import { elements } from '../infer'
import type { Tensor } from '../../tensor'
import { ints, intsAttribute, stringAttribute, type Node } from '../graph'
import { misfit, normalizeAxis } from '../operators/operator'
import { rewritten, type Conversion, type ShapedConversion } from './conversion'

/** Operators that slide a window and may leave it to the runtime to pad so that the size stays. */
export const explicitPads: Conversion = (node, builder, constants) => {
  const mode = stringAttribute(node, 'auto_pad', 'NOTSET')
  if (mode === 'NOTSET') {
    builder.append(node)
    return
  }
  if (mode === 'VALID') {
    builder.append(rewritten(node, node.inputs, ['auto_pad', 'pads']))
    return
  }
  if (intsAttribute(node, 'strides', [1, 1]).some((stride) => stride !== 1)) {
    throw misfit(node, 'auto_pad is supported for steps of 1 only')
  }
  const kernel = intsAttribute(node, 'kernel_shape', null) ?? constants.get(node.inputs[1] ?? '')?.shape.slice(2)
  if (kernel === undefined) throw misfit(node, 'auto_pad needs the size of its window')
  const dilations = intsAttribute(node, 'dilations', [1, 1])
  const totals = kernel.map((size, i) => (size - 1) * (dilations[i] ?? 1))
  const smaller = totals.map((total) => Math.floor(total / 2))
  const larger = totals.map((total) => Math.ceil(total / 2))
  const pads = mode === 'SAME_LOWER' ? [...larger, ...smaller] : [...smaller, ...larger]
  const { attributes, ...rest } = rewritten(node, node.inputs, ['auto_pad', 'pads'])
  builder.append({ ...rest, attributes: { ...attributes, pads: ints(pads) } })
}

/** Pad may name the axes it pads; ours tells pads of all axes. */
export const padAllAxes: ShapedConversion = (node, builder, types, constants) => {
  const [x = '', pads = '', value = '', axes = ''] = node.inputs
  if (axes === '') {
    builder.append(node)
    return
  }
  const rank = types.get(x)?.shape.length ?? 0
  const [before, after] = [new Array<number>(rank).fill(0), new Array<number>(rank).fill(0)]
  const [named, amounts] = [constantElements(node, constants, axes), constantElements(node, constants, pads)]
  named.forEach((given, i) => {
    const axis = normalizeAxis(node, given, rank)
    before[axis] = amounts[i] ?? 0
    after[axis] = amounts[named.length + i] ?? 0
  })
  builder.append(rewritten(node, [x, builder.integers([...before, ...after]), value], []))
}

function constantElements(node: Node, constants: ReadonlyMap<string, Tensor>, name: string): readonly number[] {
  const tensor = constants.get(name)
  if (tensor === undefined) throw misfit(node, `its input "${name}" is known only at run time`)
  return elements(tensor)
}
