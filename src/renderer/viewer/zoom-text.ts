/** A zoom as it is shown: `3×`, and below 1 in percent. */
export function zoomText(zoom: number): string {
  return zoom >= 1 ? `${Number(zoom.toFixed(2))}×` : `${Number((100 * zoom).toFixed(zoom < 0.1 ? 1 : 0))} %`
}
