/** The process that holds the keys: its memory dumps, its Node.js. */
import type { CoreDumpReport } from '@secreg/host'
import { type Diagnosis, finding } from '@secreg/registry'

export interface ProcessFacts {
  readonly coreDumps: CoreDumpReport
  /** Of the process, without the leading `v`. */
  readonly node: string
  /** `NODE_OPTIONS` of the environment. */
  readonly nodeOptions: string | undefined
}

/** Least version of Node.js that is supported (`engines` of package.json). */
const LEAST_NODE: readonly [major: number, minor: number] = [20, 19]

export function processFindings({ coreDumps, node, nodeOptions }: ProcessFacts): Diagnosis[] {
  return [coreFinding(coreDumps), nodeFinding(node), optionsFinding(nodeOptions)]
}

function coreFinding({ limitZero, filterZero }: CoreDumpReport): Diagnosis {
  const check = 'core dumps'
  if (limitZero && filterZero) return finding(check, 'ok', 'no memory gets into core dumps')
  const what = limitZero ? 'core dump filter' : 'core file limit'
  const advice = 'set LimitCORE=0 in the unit, or install prlimit (util-linux), and start again'
  return finding(check, 'warning', `the ${what} of the process is not 0`, advice)
}

function nodeFinding(version: string): Diagnosis {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [leastMajor, leastMinor] = LEAST_NODE
  const isOld = major < leastMajor || (major === leastMajor && minor < leastMinor)
  const message = `Node.js ${version}`
  return isOld
    ? finding('node', 'warning', message, `install ${leastMajor}.${leastMinor} or later`)
    : finding('node', 'ok', message)
}

function optionsFinding(options: string | undefined): Diagnosis {
  const check = 'environment'
  return options === undefined || options === ''
    ? finding(check, 'ok', 'NODE_OPTIONS is not set')
    : finding(check, 'warning', 'NODE_OPTIONS is set', 'unset it and start again')
}
