// What the app's main process does when it tries a runtime; prints the answer.
const { join } = require('node:path')
const { app, utilityProcess } = require('electron')

void app.whenReady().then(() => {
  const probe = utilityProcess.fork(join(__dirname, '..', '..', '..', 'out', 'probe.mjs'), ['tfjs', 'node'])
  probe.once('message', (result) => {
    process.stdout.write(`${JSON.stringify(result)}\n`, () => app.exit(0))
  })
  probe.once('exit', (code) => {
    console.error(`The process ended with code ${code}.`)
    app.exit(1)
  })
})
