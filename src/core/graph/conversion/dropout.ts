import type { Conversion } from './conversion'

/** Dropout does nothing but in training. */
export const withoutDropout: Conversion = (node, builder) => {
  const [x = ''] = node.inputs
  const [y = ''] = node.outputs
  builder.append({ ...node, op: 'Identity', inputs: [x], outputs: [y], attributes: {} })
}
