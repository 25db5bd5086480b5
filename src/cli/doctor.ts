import { Command } from 'commander'
import colours from 'picocolors'
import { doctor } from '../engine/jobs/doctor'
import { jsonOption, printJson } from './options'

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('Tell what networks can run on here, and why the rest cannot.')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  2dquant doctor')
    .action(async ({ json }: { readonly json?: boolean }) => {
      const result = await doctor()
      if (json === true) printJson(result)
      else {
        for (const { runtime, device, version, usable, reason, seconds } of result.candidates) {
          const sign = usable ? colours.green('usable ') : colours.dim('refused')
          const time = seconds === null ? '' : ` A forward pass takes ${(1000 * seconds).toFixed(1)} ms.`
          console.log(`${sign}  ${runtime} ${version} on ${device}: ${reason}${time}`)
        }
        const { chosen } = result
        console.log(
          chosen === null
            ? 'Nothing can run networks here.'
            : `Chosen: ${chosen.runtime} on ${chosen.device}; --runtime and --device take another.`
        )
      }
      if (result.chosen === null) process.exitCode = 1
    })
}
