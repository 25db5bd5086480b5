import { Command } from 'commander'
import colours from 'picocolors'
import type { Candidate } from '../contract/runtimes'
import { doctor, measurementsIn } from '../engine/jobs/doctor'
import { appEngineFolder } from './app-runs'
import { jsonOption, printJson } from './options'

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('Tell what networks can run on here, and why the rest cannot.')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  2dquant doctor')
    .action(async ({ json }: { readonly json?: boolean }) => {
      const result = await doctor(measurementsIn(appEngineFolder()))
      if (json === true) printJson(result)
      else {
        for (const { runtime, device, version, usable, reason, speeds, hardware } of result.candidates) {
          const sign = usable ? colours.green('usable ') : colours.dim('refused')
          console.log(`${sign}  ${runtime} ${version} on ${device}${named(hardware)}: ${reason}`)
          const said = speeds.map(({ batch, perSecond }) => `${perSecond.toFixed(1)} at batch ${batch}`)
          if (said.length > 0) console.log(`         Pictures a second: ${said.join(', ')}.`)
        }
        const { chosen } = result
        console.log(
          chosen === null
            ? 'Nothing can run networks here.'
            : `Chosen: ${chosen.runtime} on ${chosen.device}; --runtime and --device take another.\n${result.why}`
        )
      }
      if (result.chosen === null) process.exitCode = 1
    })
}

function named(hardware: Candidate['hardware']): string {
  if (hardware === null) return ''
  const { name, memoryBytes } = hardware
  return memoryBytes === null ? ` (${name})` : ` (${name}, ${(memoryBytes / 2 ** 30).toFixed(0)} GiB)`
}
