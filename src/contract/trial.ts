import { z } from 'zod'
import { fileInRunSchema } from './file-in-run'
import { networkInputSchema } from './results'

/** An exported file that is run as browsers do: by onnxruntime-web, in a window of its own. */
export const trialSchema = z.object({
  /** Stands for the run's folder in addresses. */
  run: z.string(),
  file: fileInRunSchema,
  input: networkInputSchema,
  /** A measured picture: in low resolution, as the simulation made it, and the original; null where nothing was measured. */
  picture: z
    .object({
      name: z.string(),
      lowResolution: fileInRunSchema,
      simulation: fileInRunSchema,
      original: fileInRunSchema.nullable()
    })
    .nullable(),
  language: z.enum(['en', 'zh-CN'])
})
export type Trial = Readonly<z.infer<typeof trialSchema>>
