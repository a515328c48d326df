/** What `security check` says about the subauth socket. */
import type { Config } from '@secreg/host'
import type { SecurityFinding } from '@secreg/protocol'
import { modeFinding } from '../server/mode-finding.ts'

/** Look at the socket and at what stands in for safeguards; nothing where none is served. */
export async function subauthFindings({ subauth }: Config): Promise<readonly SecurityFinding[]> {
  const { socket, mode, usersFile, failureDelayMs } = subauth
  if (socket === undefined) return []
  return [
    await modeFinding('subauth socket', socket, mode),
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
