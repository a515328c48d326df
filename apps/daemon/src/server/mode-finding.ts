/** What `security check` says about the file of a socket. */
import { lstat } from 'node:fs/promises'
import type { SecurityFinding } from '@secreg/protocol'

/** Whether a socket is there and has the mode that it was given. */
export async function modeFinding(
  check: string,
  path: string,
  mode: number,
): Promise<SecurityFinding> {
  const facts = await lstat(path).catch(() => undefined)
  if (facts?.isSocket() !== true) {
    const advice = 'something has replaced it: remove that and start the daemon again'
    return { check, level: 'fault', message: `${path} is not a socket`, advice }
  }
  const found = facts.mode & 0o777
  const shown = `${path} has mode ${octal(found)}`
  if (found === mode) return { check, level: 'ok', message: shown }
  const message = `${shown}, configured is ${octal(mode)}`
  return { check, level: 'fault', message, advice: 'chmod it back, or start the daemon again' }
}

const octal = (mode: number): string => `0${mode.toString(8).padStart(3, '0')}`
