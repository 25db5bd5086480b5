/** The message by which a window gets its port to the engine. */
export const portMessage = 'engine-port'

/** The message by which a window gets its port to the process that reads pictures. */
export const picturePortMessage = 'pictures-port'

/** Addresses that pages are loaded from, and pictures of runs: `studio-image://KEY/images/1/fp.png`. */
export const pageScheme = 'studio'
export const imageScheme = 'studio-image'

/** Hosts of pages: of the app, and of the window that runs an exported file as browsers do, with files of runs below a path. */
export const pageHost = 'app'
export const browserHost = 'browser'
export const filesInBrowser = '/run/'

/** The model that comes with the program. */
export const bundledModelFile = 'swinir-tiny-x4.safetensors'

/** Files of a run folder that more than the engine knows: what makes it one, and its report. */
export const runFile = 'run.json'
export const reportFile = 'report.html'

/** The folder of a run that exported files go to. */
export const exportFolder = 'export'
