/**
 * What a process that holds keys does first: refuse an environment that opens it, take away the rights of group and
 * others from new files, and keep its memory out of core dumps.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { HostError } from './errors.ts'

/** What was achieved against core dumps, read back from the kernel. */
export interface CoreDumpReport {
  /** `RLIMIT_CORE` is 0, soft and hard: the kernel writes no core file. */
  readonly limitZero: boolean
  /** The filter is 0: a core that a crash handler receives through a pipe holds no memory (core(5)). */
  readonly filterZero: boolean
}

/** What {@link hardenProcess} achieved. */
export interface HardeningReport extends CoreDumpReport {
  /** Mask of new files: 0o077. */
  readonly umask: number
  /** What could not be achieved, in words for a log; empty when all was. */
  readonly warnings: readonly string[]
}

/** Options of {@link hardenProcess}. */
export interface HardeningOptions {
  /** Environment. Default: that of the process. */
  readonly env?: NodeJS.ProcessEnv
  /** Options of Node.js itself. Default: those of the process. */
  readonly execArgv?: readonly string[]
}

/** Options of Node.js that open its memory to others or write it to a file. */
const OPENING = /^--(?:inspect|heap-prof|heapsnapshot|report-|experimental-network-inspection)/

/**
 * Refuse an environment that opens the process: `NODE_OPTIONS`, which can load code and open the inspector, and
 * options that open the inspector or write memory to files.
 *
 * @throws HostError ERR_HOST_ENVIRONMENT
 */
export function assertEnvironment(options: HardeningOptions = {}): void {
  const env = options.env ?? process.env
  if ((env['NODE_OPTIONS'] ?? '') !== '') {
    throw new HostError(
      'ERR_HOST_ENVIRONMENT',
      'NODE_OPTIONS is set: it can load code into a process that holds keys; unset it and start again',
    )
  }
  const opening = (options.execArgv ?? process.execArgv).find((arg) => OPENING.test(arg))
  if (opening !== undefined) {
    throw new HostError(
      'ERR_HOST_ENVIRONMENT',
      `node was started with ${opening.split('=', 1)[0]}: it opens the memory of a process that holds keys`,
    )
  }
}

/** Keep memory of this process out of core dumps as far as Node.js can, and read back what holds. */
export function disableCoreDumps(): CoreDumpReport {
  if (!isLimitZero()) {
    attempt(() => {
      const args = ['--core=0:0', '--pid', String(process.pid)]
      execFileSync('prlimit', args, { stdio: 'ignore', timeout: 5000 })
    })
  }
  attempt(() => writeFileSync('/proc/self/coredump_filter', '0'))
  return readCoreDumps()
}

/** What holds against core dumps of this process at present. */
export function readCoreDumps(): CoreDumpReport {
  return { limitZero: isLimitZero(), filterZero: isFilterZero() }
}

/**
 * Harden this process: {@link assertEnvironment}, umask 077, {@link disableCoreDumps}.
 *
 * @throws HostError ERR_HOST_ENVIRONMENT
 */
export function hardenProcess(options: HardeningOptions = {}): HardeningReport {
  assertEnvironment(options)
  process.umask(0o077)
  const core = disableCoreDumps()
  const warnings: string[] = []
  if (!core.limitZero) {
    warnings.push('the core file limit is not 0: set LimitCORE=0 in the unit, or install prlimit')
  }
  if (!core.filterZero) warnings.push('the core dump filter could not be set to 0')
  return { ...core, umask: 0o077, warnings }
}

function isLimitZero(): boolean {
  const limits = attempt(() => readFileSync('/proc/self/limits', 'utf8')) ?? ''
  return /^Max core file size +0 +0 /m.test(limits)
}

function isFilterZero(): boolean {
  const filter = attempt(() => readFileSync('/proc/self/coredump_filter', 'utf8')) ?? ''
  return /^0+\s*$/.test(filter)
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch {
    return undefined
  }
}
