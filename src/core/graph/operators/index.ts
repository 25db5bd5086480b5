import { elementwise } from './elementwise'
import { linear } from './linear'
import { movement } from './movement'
import type { Operator } from './operator'
import { quantization } from './quantization'
import { reduction } from './reduction'

/** All operators this program knows, by name. */
export const operators: ReadonlyMap<string, Operator> = new Map(
  Object.entries({ ...elementwise, ...linear, ...movement, ...quantization, ...reduction })
)
