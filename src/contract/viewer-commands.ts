/** What the viewer can be told to do, by key, from the menu, or by buttons. Help and tests go by this list, too. */
export const viewerCommands = [
  { id: 'grid', keys: ['G'], group: 'mode' },
  { id: 'split', keys: ['S'], group: 'mode' },
  { id: 'flicker', keys: ['F'], group: 'mode' },
  { id: 'difference', keys: ['D'], group: 'mode' },
  { id: 'lens', keys: ['L'], group: 'mode' },
  { id: 'blind', keys: ['B'], group: 'mode' },

  { id: 'zoomIn', keys: ['+', '='], group: 'view' },
  { id: 'zoomOut', keys: ['-'], group: 'view' },
  { id: 'fit', keys: ['0'], group: 'view' },
  { id: 'pixels', keys: ['Z'], group: 'view' },
  { id: 'panLeft', keys: ['ArrowLeft'], group: 'view' },
  { id: 'panRight', keys: ['ArrowRight'], group: 'view' },
  { id: 'panUp', keys: ['ArrowUp'], group: 'view' },
  { id: 'panDown', keys: ['ArrowDown'], group: 'view' },
  { id: 'smooth', keys: ['N'], group: 'view' },
  { id: 'pixelGrid', keys: ['X'], group: 'view' },

  { id: 'nextPicture', keys: ['PageDown', '.'], group: 'picture' },
  { id: 'previousPicture', keys: ['PageUp', ','], group: 'picture' },

  { id: 'pane1', keys: ['1'], group: 'pane' },
  { id: 'pane2', keys: ['2'], group: 'pane' },
  { id: 'pane3', keys: ['3'], group: 'pane' },
  { id: 'pane4', keys: ['4'], group: 'pane' },
  { id: 'pane5', keys: ['5'], group: 'pane' },
  { id: 'pane6', keys: ['6'], group: 'pane' },
  { id: 'pane7', keys: ['7'], group: 'pane' },
  { id: 'pane8', keys: ['8'], group: 'pane' },
  { id: 'pane9', keys: ['9'], group: 'pane' },
  /** Between the last two panes that were looked at. */
  { id: 'swap', keys: [' '], group: 'pane' },
  { id: 'reference', keys: ['R'], group: 'pane' },

  /** Position of the slider, gain of differences, magnification of the lens, speed of flicker. */
  { id: 'less', keys: ['['], group: 'adjust' },
  { id: 'more', keys: [']'], group: 'adjust' },
  { id: 'orientation', keys: ['O'], group: 'adjust' },
  { id: 'play', keys: ['P'], group: 'adjust' },
  { id: 'form', keys: ['V'], group: 'adjust' },
  { id: 'channel', keys: ['C'], group: 'adjust' },
  { id: 'colourMap', keys: ['M'], group: 'adjust' },

  /** What is seen becomes the region. */
  { id: 'region', keys: ['A'], group: 'region' },
  { id: 'clearRegion', keys: ['Escape'], group: 'region' },
  { id: 'nextWorst', keys: ['W'], group: 'region' },
  { id: 'previousWorst', keys: ['Shift+W'], group: 'region' },
  { id: 'figure', keys: ['E'], group: 'region' },

  { id: 'voteLeft', keys: ['J'], group: 'blind' },
  { id: 'voteRight', keys: ['K'], group: 'blind' },
  { id: 'voteNone', keys: ['U'], group: 'blind' },

  { id: 'help', keys: ['?'], group: 'help' }
] as const satisfies readonly { readonly id: string; readonly keys: readonly string[]; readonly group: string }[]

export type ViewerCommand = (typeof viewerCommands)[number]['id']
export type ViewerCommandGroup = (typeof viewerCommands)[number]['group']
export const viewerCommandIds = viewerCommands.map(({ id }) => id) as [ViewerCommand, ...ViewerCommand[]]
