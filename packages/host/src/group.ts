/** Numbers of groups by name, from the file and then from the name service. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { HostError } from './errors.ts'

const MAX_ID = 4_294_967_294

/**
 * Find the number of a group.
 *
 * @param group - Name, or the number itself as text.
 * @throws HostError ERR_HOST_GROUP_UNKNOWN
 */
export function resolveGroup(group: string): number {
  if (/^[0-9]{1,10}$/.test(group)) {
    const gid = Number(group)
    if (gid <= MAX_ID) return gid
  } else if (/^[A-Za-z_][A-Za-z0-9_.-]*\$?$/.test(group)) {
    const gid = findGroup(readFileSync('/etc/group', 'utf8'), group) ?? askNameService(group)
    if (gid !== undefined) return gid
  }
  throw new HostError('ERR_HOST_GROUP_UNKNOWN', `no group ${JSON.stringify(group)} on this machine`)
}

/** One line is name:password:number:members (group(5)). */
function findGroup(database: string, group: string): number | undefined {
  for (const line of database.split('\n')) {
    const [name, , gid = ''] = line.split(':')
    if (name === group && /^[0-9]{1,10}$/.test(gid)) return Number(gid)
  }
  return undefined
}

function askNameService(group: string): number | undefined {
  try {
    const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin' }
    const options = { encoding: 'utf8', env, timeout: 5000, stdio: ['ignore', 'pipe', 'ignore'] }
    return findGroup(
      execFileSync('getent', ['group', group], options as { encoding: 'utf8' }),
      group,
    )
  } catch {
    return undefined
  }
}
