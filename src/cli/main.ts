import { Command, CommanderError } from 'commander'
import { takeGpuLibrariesFrom } from '../engine/gpu/folder'
import { appVersion } from '../engine/version'
import { appEngineFolder } from './app-runs'
import { doctorCommand } from './doctor'
import { evaluateCommand } from './evaluate'
import { explain } from './explain'
import { exportCommand } from './export'
import { gpuCommand } from './gpu'
import { inspectCommand } from './inspect'
import { quantizeCommand } from './quantize'
import { resumeCommand } from './resume'
import { upscaleCommand } from './upscale'
import { zooCommand } from './zoo'

takeGpuLibrariesFrom(appEngineFolder())

const program = new Command('2dquant')
  .description('Quantizes super-resolution models to 2–8 bits by 2DQuant and measures what is left.')
  .version(appVersion)
  .showSuggestionAfterError()
  .addCommand(inspectCommand())
  .addCommand(quantizeCommand())
  .addCommand(resumeCommand())
  .addCommand(evaluateCommand())
  .addCommand(upscaleCommand())
  .addCommand(exportCommand())
  .addCommand(zooCommand())
  .addCommand(doctorCommand())
  .addCommand(gpuCommand())

const withinAll = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(withinAll)]
for (const command of withinAll(program)) command.exitOverride().configureOutput({ writeErr: () => undefined })

// What reads may end before all is written, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

try {
  await program.parseAsync()
} catch (error) {
  const { lines, exitCode } = error instanceof CommanderError ? explainUsage(error) : explain(error)
  for (const line of lines) console.error(line)
  process.exitCode = exitCode
}

/** Help and version end as errors in commander, with exit code 0; a bare call shows the help. */
function explainUsage(error: CommanderError): { readonly lines: readonly string[]; readonly exitCode: number } {
  if (error.exitCode === 0) return { lines: [], exitCode: 0 }
  if (error.code === 'commander.help') {
    return { lines: ['error: no command given; see `2dquant --help`'], exitCode: 2 }
  }
  return {
    lines: [...error.message.split('\n'), 'See `2dquant --help`, or --help behind a command.'].slice(0, 6),
    exitCode: 2
  }
}
