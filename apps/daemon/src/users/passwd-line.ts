/** Lines of a user database: `name:password:uid:gid:comment:home:shell` (passwd(5)). */
import { isZoneLogin } from '@secreg/zones'

/** One user of the system. */
export interface SystemUser {
  /** As `isZoneLogin` has it. */
  readonly login: string
  readonly uid: number
}

/** Numbers up to this one; (uid_t) -1 is nobody's (chown(2)). */
const MAX_UID = 4_294_967_294

/**
 * Read a line. Its password and whatever else it holds is not looked at.
 *
 * @param line - without its end
 * @returns undefined for what is none: comments, entries of NIS (`+`, `-`), names and numbers that no user can have
 */
export function parsePasswdLine(line: string): SystemUser | undefined {
  const fields = line.split(':')
  const [login, , digits = ''] = fields
  if (fields.length !== 7 || !isZoneLogin(login) || !/^(?:0|[1-9][0-9]{0,9})$/.test(digits)) {
    return undefined
  }
  const uid = Number(digits)
  return uid <= MAX_UID ? { login, uid } : undefined
}
