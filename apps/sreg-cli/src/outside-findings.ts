/** What can be seen of a registry from outside: its socket, and what the daemon tells anybody. */
import { promises } from 'node:fs'
import { SecregError, type SecurityFinding } from '@secreg/protocol'
import type { Context } from './context.ts'

const START = 'start the daemon: systemctl start secregd, or secregd --config FILE'
const GROUP = 'be in the group of the socket (id shows your groups), and log in to the system anew'

/**
 * Look from outside.
 *
 * @param refused - why the daemon did not tell more
 */
export async function outsideFindings(
  context: Context,
  refused: SecregError,
): Promise<SecurityFinding[]> {
  const socket = await socketFinding(context.socket)
  if (socket.level === 'fault') return [socket]
  try {
    const { state, version } = await context.withRegistry('none', (registry) => registry.status())
    return [socket, daemonFinding(state, version), refusalFinding(refused)]
  } catch (error) {
    if (!SecregError.is(error)) throw error
    return [socket, unreachableFinding(context.socket, error)]
  }
}

async function socketFinding(path: string): Promise<SecurityFinding> {
  const check = 'socket'
  try {
    const facts = await promises.lstat(path)
    if (!facts.isSocket()) {
      const message = `${path} is not a socket`
      return { check, level: 'fault', message, advice: `remove it, then ${START}` }
    }
    const mode = (facts.mode & 0o777).toString(8)
    const message = `${path} has mode 0${mode}, owner ${facts.uid}, group ${facts.gid}`
    return { check, level: 'ok', message }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      const message = `${path} is not there: no daemon was started, or it listens elsewhere`
      return {
        check,
        level: 'fault',
        message,
        advice: `${START}; or name its socket: --socket PATH`,
      }
    }
    const message = `${path} cannot be looked at (${code ?? 'unknown'})`
    return { check, level: 'fault', message, advice: GROUP }
  }
}

function unreachableFinding(path: string, error: SecregError): SecurityFinding {
  const check = 'daemon'
  const { code } = (error.cause ?? {}) as NodeJS.ErrnoException
  if (error.reason === 'ACCESS_DENIED') {
    const message = `no permission to connect to ${path}`
    return { check, level: 'fault', message, advice: GROUP }
  }
  if (code === 'ECONNREFUSED' || code === 'ENOENT') {
    const message = 'the socket is stale: nobody listens on it'
    return { check, level: 'fault', message, advice: `${START}; it replaces the socket` }
  }
  const advice = 'see whether it is overloaded or stopped: systemctl status secregd'
  return { check, level: 'fault', message: error.message, advice }
}

function daemonFinding(state: string, version: string): SecurityFinding {
  const check = 'daemon'
  const message = `secregd ${version} answers; the registry is ${state}`
  if (state === 'unsealed') return { check, level: 'ok', message }
  const advice = state === 'sealed' ? 'run: sreg unlock' : 'run: sreg init'
  return { check, level: 'warning', message, advice }
}

function refusalFinding(error: SecregError): SecurityFinding {
  const check = 'login'
  const outside = 'only what can be seen from outside is told'
  if (error.statusName === 'AuthFailed') {
    const message = `not logged in: ${outside}`
    return { check, level: 'warning', message, advice: 'run: sreg login NAME, then doctor again' }
  }
  if (error.reason === 'ACCESS_DENIED') {
    const message = `your account may not look at the installation: ${outside}`
    return { check, level: 'warning', message, advice: 'ask an administrator or auditor' }
  }
  const message = `${outside}: ${error.message}`
  return { check, level: 'warning', message, advice: 'see the log of secregd' }
}
