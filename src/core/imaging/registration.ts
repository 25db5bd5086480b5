interface Size {
  readonly width: number
  readonly height: number
}

/** How many pixels of a picture of this size a picture's pixel takes; null where that is no whole number, or differs along the sides. */
export function registration(size: Size, picture: Size): number | null {
  const factor = size.width / picture.width
  return Number.isInteger(factor) && picture.height * factor === size.height ? factor : null
}

/** In the pixels of which of two pictures they are compared. */
export function largerOf<P extends Size>(a: P, b: P): P {
  return b.width > a.width ? b : a
}
