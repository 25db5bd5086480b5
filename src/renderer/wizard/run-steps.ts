/** The steps of a run that was begun, and what else its page shows. */
export const runSteps = ['about', 'bounds', 'distillation', 'evaluate', 'export', 'layers'] as const
export type RunStep = (typeof runSteps)[number]
