import { elementwise } from './elementwise'
import type { Kernel } from './kernel'
import { linear } from './linear'
import { movement } from './movement'
import { quantization } from './quantization'
import { reduction } from './reduction'

/** How operators are computed, by name; those that only make constants of shapes are folded before. */
export const kernels: ReadonlyMap<string, Kernel> = new Map(
  Object.entries({ ...elementwise, ...linear, ...movement, ...quantization, ...reduction })
)
