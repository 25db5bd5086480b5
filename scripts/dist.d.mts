/** Why a build may not be published, in one sentence, or undefined. */
export function publishObstacle(build: {
  isTestBuild: boolean
  isFallback: boolean
  tag: string | undefined
  version: string
}): string | undefined
