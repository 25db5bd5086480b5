import { Command } from 'commander'
import { resume } from '../engine/jobs/resume'
import { deviceOption, jsonOption, printJson, printRun, runtimeOption, type RuntimeOptions } from './options'
import { runJob } from './run-job'

interface Options extends RuntimeOptions {
  readonly keepBest?: boolean
  readonly json?: boolean
}

export function resumeCommand(): Command {
  return new Command('resume')
    .description('Go on with a run whose training was paused, stopped or killed.')
    .argument('<run>', 'run folder')
    .option('--keep-best', 'train no further: keep the best so far and finish the run')
    .addOption(runtimeOption())
    .addOption(deviceOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  2dquant resume runs/first')
    .action(async (run: string, options: Options) => {
      const result = await runJob((context) => resume({ run, keepBest: options.keepBest ?? false }, context), options)
      if (options.json === true) printJson(result)
      else printRun(result)
    })
}
