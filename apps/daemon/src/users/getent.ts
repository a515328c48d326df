/** One look-up in the user database of the system by getent(1), which asks whatever nsswitch.conf(5) names. */
import { execFile } from 'node:child_process'
import { parsePasswdLine, type SystemUser } from './passwd-line.ts'

/** The whole environment of getent. */
const ENVIRONMENT = Object.freeze({ PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' })
/** A line of passwd(5) is not longer (getpwnam_r(3) takes what it needs, and nobody needs so much). */
const MAX_OUTPUT_BYTES = 64 * 1024
/** "One or more supplied key could not be found in the database" (getent(1)). */
const NOT_FOUND = 2

/**
 * Look a key up.
 *
 * @param program - absolute path of getent
 * @param key - a login as `isZoneLogin` has it, or a number; never an option
 * @returns undefined when nobody is found, or somebody whom no account can be of
 * @throws Error in words without data when there is no answer
 */
export function askGetent(
  program: string,
  key: string,
  timeoutMs: number,
): Promise<SystemUser | undefined> {
  return new Promise((resolve, reject) => {
    const options = {
      cwd: '/',
      encoding: 'utf8',
      env: ENVIRONMENT,
      killSignal: 'SIGKILL',
      maxBuffer: MAX_OUTPUT_BYTES,
      shell: false,
      timeout: timeoutMs,
    } as const
    const child = execFile(program, ['passwd', key], options, (error, stdout) => {
      if (error === null) resolve(parsePasswdLine(firstLine(stdout)))
      else if (error.code === NOT_FOUND && error.killed !== true) resolve(undefined)
      else reject(new Error(whyNot(error, timeoutMs)))
    })
    child.stdin?.end()
  })
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? ''
}

function whyNot(
  error: { readonly killed?: boolean; readonly code?: string | number | null },
  timeoutMs: number,
): string {
  if (typeof error.code === 'string') return `getent cannot be asked (${error.code})`
  if (error.killed === true) return `getent gave no answer within ${timeoutMs} ms`
  return `getent ended with ${error.code ?? 'a signal'}`
}
