/** What tfjs can compute with, the fastest first. Apart from what loads tfjs, which those who only ask do not need. */
export const tfjsDevices = ['node-gpu', 'node', 'wasm', 'cpu'] as const
export type TfjsDevice = (typeof tfjsDevices)[number]
