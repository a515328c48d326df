/** Numbers of users and groups by name, from the file and then from the name service. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Databases of the name service, which are also the names of their files in /etc. */
export type Database = 'group' | 'passwd'

const MAX_ID = 4_294_967_294

/**
 * Find the number of a user or group.
 *
 * @param name - Name, or the number itself as text.
 * @returns undefined where there is none of this name, and for what is no name.
 */
export function findId(database: Database, name: string): number | undefined {
  if (/^[0-9]{1,10}$/.test(name)) return Number(name) <= MAX_ID ? Number(name) : undefined
  if (!/^[A-Za-z_][A-Za-z0-9_.-]*\$?$/.test(name)) return undefined
  return findLine(readFileSync(`/etc/${database}`, 'utf8'), name) ?? askNameService(database, name)
}

/** One line is name:password:number and more (group(5), passwd(5)). */
function findLine(lines: string, wanted: string): number | undefined {
  for (const line of lines.split('\n')) {
    const [name, , id = ''] = line.split(':')
    if (name === wanted && /^[0-9]{1,10}$/.test(id)) return Number(id)
  }
  return undefined
}

function askNameService(database: Database, name: string): number | undefined {
  try {
    const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin' }
    const options = { encoding: 'utf8', env, timeout: 5000, stdio: ['ignore', 'pipe', 'ignore'] }
    return findLine(execFileSync('getent', [database, name], options as { encoding: 'utf8' }), name)
  } catch {
    return undefined
  }
}
