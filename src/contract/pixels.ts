import { z } from 'zod'

/** Side in pixels of the pieces that pictures are told in; those at the right and the bottom are smaller. */
export const pixelTileSide = 256

/** Where the pixels of a picture come from. All paths are absolute. */
export const pixelSourceSchema = z.discriminatedUnion('kind', [
  /** A picture file, turned upright, its colours in sRGB, rounded to 8 bits where it is shown. */
  z.object({ kind: z.literal('file'), path: z.string() }),
  /** Bicubic interpolation, as MATLAB's imresize has it, of a picture file. */
  z.object({ kind: z.literal('bicubic'), path: z.string(), scale: z.int().min(1).max(8) }),
  /**
   * What a network makes of a picture tile by tile: files `COLUMN-ROW.png` in a folder, each of `side` pixels (the last ones
   * less), as far as they are there.
   */
  z.object({
    kind: z.literal('tiles'),
    folder: z.string(),
    width: z.int().min(1),
    height: z.int().min(1),
    side: z.int().min(1)
  })
])
export type PixelSource = Readonly<z.infer<typeof pixelSourceSchema>>

export const rectangleSchema = z.object({
  left: z.int().min(0),
  top: z.int().min(0),
  width: z.int().min(1),
  height: z.int().min(1)
})
export type Rectangle = Readonly<z.infer<typeof rectangleSchema>>

export const differenceForms = ['signed', 'absolute', 'squared'] as const
/** `rgb` is the mean over the channels of what the form makes of each; `y` is luma in studio range. */
export const differenceChannels = ['rgb', 'r', 'g', 'b', 'y'] as const
export const colourMaps = ['viridis', 'cividis', 'grey'] as const

/** How a picture is compared with another, pixel by pixel, and drawn. */
export const differenceSchema = z.object({
  reference: pixelSourceSchema,
  form: z.enum(differenceForms),
  channel: z.enum(differenceChannels),
  /** What differences are multiplied by before they are drawn: 1 draws the whole range of samples. */
  gain: z.number().min(1).max(256),
  /** Of absolute and squared differences; signed ones have a diverging map of their own. */
  map: z.enum(colourMaps)
})
export type Difference = Readonly<z.infer<typeof differenceSchema>>

/** Pixels, row by row, red, green, blue and opacity of 0 to 255; where nothing is there yet, opacity is 0. */
export const pixelsSchema = z.object({
  width: z.int(),
  height: z.int(),
  rgba: z.instanceof(Uint8Array),
  /** Whether all of it is there: outputs of networks come tile by tile. */
  isComplete: z.boolean()
})
export type Pixels = Readonly<z.infer<typeof pixelsSchema>>

/**
 * What windows can call the process for that reads pictures. Pictures of different sizes are compared in the pixels of the
 * larger one; the smaller is enlarged by repeating pixels, and refused where the larger is no multiple of it.
 */
export const pictureCalls = {
  /** Size of a picture; it is begun to be read. */
  'pictures.open': {
    args: z.object({ source: pixelSourceSchema }),
    result: z.object({
      width: z.int(),
      height: z.int(),
      /**
       * Another text once the file is another: whoever keeps pixels can tell whether they are still those of the file. Empty for
       * outputs, which come tile by tile and are never replaced in place.
       */
      stamp: z.string()
    })
  },
  /**
   * A tile of a picture, or of its difference to another. Level 0 has the picture's own pixels, each further level the means
   * of 2 × 2 pixels of the one before, its size rounded up. Coarse levels of differences show the mean of the places on the
   * colour map of all pixels under them, so that noise does not vanish (but for signed differences, whose mean it is to
   * vanish); of more than 4096 × 4096 pixels, of all pixels of the finest level that has no more.
   */
  'pictures.tile': {
    args: z.object({
      source: pixelSourceSchema,
      difference: differenceSchema.nullable(),
      level: z.int().min(0).max(16),
      column: z.int().min(0),
      row: z.int().min(0)
    }),
    result: pixelsSchema
  },
  /** A piece of a picture at level 0, for figures. */
  'pictures.piece': {
    args: z.object({ source: pixelSourceSchema, rectangle: rectangleSchema }),
    result: pixelsSchema
  },
  /**
   * Red, green and blue of one place, given in pixels of a picture of this size, in pictures of other sizes as well; null where
   * nothing is there yet, and for pictures that cannot be read.
   */
  'pictures.at': {
    args: z.object({
      sources: z.array(pixelSourceSchema).max(64),
      width: z.int().min(1),
      height: z.int().min(1),
      x: z.int().min(0),
      y: z.int().min(0)
    }),
    result: z.array(z.tuple([z.number(), z.number(), z.number()]).nullable())
  },
  /**
   * PSNR (dB) and SSIM on Y of a region, of the same code as evaluations, and of the samples as they are in files: those of 16
   * bits are not rounded to 8. What is not known is null: where a picture cannot be read, sizes differ, or not all of the
   * region is there. It fails where the reference cannot be read.
   */
  'pictures.region': {
    args: z.object({
      reference: pixelSourceSchema,
      sources: z.array(pixelSourceSchema).max(64),
      rectangle: rectangleSchema
    }),
    result: z.array(
      z
        .object({
          /** Null where pictures are equal: infinite. */
          psnr: z.number().nullable(),
          /** Null where the region is smaller than the measure's window. */
          ssim: z.number().nullable()
        })
        .nullable()
    )
  },
  /**
   * Where a picture lost most against full precision, worst first: the regions, none over another, whose squared error on Y
   * against `truth` exceeds that of `fp` most; without `truth`, whose squared error against `fp` is largest.
   */
  'pictures.worst': {
    args: z.object({
      source: pixelSourceSchema,
      fp: pixelSourceSchema,
      truth: pixelSourceSchema.nullable(),
      side: z.int().min(8).max(512),
      count: z.int().min(1).max(64)
    }),
    result: z.array(
      z.object({
        rectangle: rectangleSchema,
        /** Mean squared error on Y of the picture and of full precision against the truth; the latter 0 without one. */
        error: z.number(),
        errorOfFp: z.number()
      })
    )
  }
} as const satisfies Record<string, { readonly args: z.ZodType; readonly result: z.ZodType }>
export type PictureCall = keyof typeof pictureCalls
