import { floatTensor } from '../../tensor'
import { string, stringAttribute } from '../graph'
import { misfit } from '../operators/operator'
import type { Conversion } from './conversion'

/**
 * Upsample, and Resize up to opset 10: scales as the second input (or, up to opset 8, an attribute), pixels placed by their
 * left upper corners.
 */
export const cornerResize: Conversion = (node, builder) => {
  const [x = '', given = ''] = node.inputs
  const attribute = node.attributes['scales']
  const scales =
    attribute?.kind === 'floats' ? builder.constant(floatTensor(attribute.value, [attribute.value.length])) : given
  if (scales === '') throw misfit(node, 'it tells no scales')
  const mode = stringAttribute(node, 'mode', 'nearest')
  const attributes = {
    mode: string(mode === 'bilinear' ? 'linear' : mode),
    coordinate_transformation_mode: string('asymmetric'),
    nearest_mode: string('floor')
  }
  builder.append({ ...node, op: 'Resize', inputs: [x, '', scales], attributes })
}
