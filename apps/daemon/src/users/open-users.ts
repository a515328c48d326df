/** The user database that a configuration names. */
import type { Config, Logger } from '@secreg/host'
import type { SystemUsers } from './system-users.ts'
import { usersOfFile } from './users-file.ts'
import { usersOfSystem } from './users-of-system.ts'

/** Open the file of `subauth.users_file`, or else ask the system. */
export function openUsers(
  { usersFile }: Config['subauth'],
  log: Pick<Logger, 'error' | 'info'>,
): SystemUsers {
  const tell = (fault: string | undefined): void => {
    if (fault === undefined) log.info('users of the system can be looked up again')
    else log.error('users of the system cannot be looked up', { detail: fault })
  }
  return usersFile === undefined ? usersOfSystem({ tell }) : usersOfFile({ path: usersFile, tell })
}
