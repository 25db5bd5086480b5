export interface SeriesStyle {
  readonly colour: string
  readonly darkColour: string
  readonly dash: readonly number[]
}

/**
 * Colours of Okabe and Ito, which colour-blind people tell apart, dark enough for light ground and light enough for dark;
 * each line has a dash of its own as well.
 */
export const seriesStyles = [
  { colour: '#0072b2', darkColour: '#56b4e9', dash: [] },
  { colour: '#d55e00', darkColour: '#e69f00', dash: [6, 3] },
  { colour: '#007a5a', darkColour: '#2fc79a', dash: [2, 2] },
  { colour: '#a8407f', darkColour: '#cc79a7', dash: [9, 3, 2, 3] },
  { colour: '#3f3f46', darkColour: '#e4e4e7', dash: [12, 4] },
  { colour: '#8a6500', darkColour: '#f0e442', dash: [4, 2, 1, 2] },
  { colour: '#0072b2', darkColour: '#56b4e9', dash: [1, 4] },
  { colour: '#d55e00', darkColour: '#e69f00', dash: [12, 3, 2, 3, 2, 3] },
  { colour: '#007a5a', darkColour: '#2fc79a', dash: [8, 8] },
  { colour: '#a8407f', darkColour: '#cc79a7', dash: [] }
] as const satisfies readonly SeriesStyle[]

/** The style of one of many series; after the last, they begin anew. */
export function styleOf(i: number): SeriesStyle {
  return seriesStyles[i % seriesStyles.length] ?? seriesStyles[0]
}

export function colourOf(i: number, isDark: boolean): string {
  const { colour, darkColour } = styleOf(i)
  return isDark ? darkColour : colour
}

export interface Ink {
  readonly ground: string
  readonly text: string
  readonly grid: string
  readonly mark: string
}

/** Colours of ground, text, grid and marks in the light and the dark theme. */
export function inkOf(isDark: boolean): Ink {
  return isDark
    ? { ground: '#18181b', text: '#d4d4d8', grid: '#3f3f46', mark: '#e69f00' }
    : { ground: '#ffffff', text: '#52525b', grid: '#e4e4e7', mark: '#b34700' }
}

export const fontFamily = 'system-ui, "Liberation Sans", sans-serif'
