/** What `security check` says about the subauth socket. */
import { lstat } from 'node:fs/promises'
import type { Config } from '@secreg/host'
import type { SecurityFinding } from '@secreg/protocol'

/** Look at the socket and at what stands in for safeguards; nothing where none is served. */
export async function subauthFindings({ subauth }: Config): Promise<readonly SecurityFinding[]> {
  const { socket, mode, usersFile, failureDelayMs } = subauth
  if (socket === undefined) return []
  return [
    await socketFinding(socket, mode),
    ...(usersFile === undefined ? [] : [USERS_FILE]),
    ...(failureDelayMs === 0 ? [NO_DELAY] : []),
  ]
}

const USERS_FILE: SecurityFinding = Object.freeze({
  check: 'subauth users',
  level: 'warning',
  message: 'the users of the machine are those of a file, not of the system',
  advice: 'leave subauth.users_file out; it is for tests',
})

const NO_DELAY: SecurityFinding = Object.freeze({
  check: 'subauth delay',
  level: 'warning',
  message: 'refusals of the subauth socket are answered at once: secrets are cheaper to guess',
  advice: 'leave subauth.failure_delay_ms out; 0 is for tests',
})

async function socketFinding(path: string, mode: number): Promise<SecurityFinding> {
  const check = 'subauth socket'
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
