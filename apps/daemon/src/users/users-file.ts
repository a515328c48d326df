/** A user database in one file in the form of passwd(5), read again when it has changed. */
import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  statSync,
} from 'node:fs'
import { SecregError } from '@secreg/protocol'
import { parsePasswdLine } from './passwd-line.ts'
import type { SystemUsers } from './system-users.ts'

/** Largest file, bytes. */
const MAX_BYTES = 1024 * 1024
const EXACT = { bigint: true } as const

export interface UsersFileOptions {
  readonly path: string
  /** User that may own it beside root. Default: the effective user of the process. */
  readonly uid?: number
  /** Told why it cannot be read, once for each cause, and `undefined` when it can again. */
  readonly tell?: (fault: string | undefined) => void
}

interface Database {
  /** What the file was when it was read. */
  readonly facts: BigIntStats
  readonly logins: ReadonlyMap<number, string>
  readonly uids: ReadonlyMap<string, number>
}

/** Use a file: regular, of root or the own user, that neither its group nor others may write. */
export function usersOfFile(options: UsersFileOptions): SystemUsers {
  const { path, uid: owner = process.geteuid?.() ?? 0, tell = () => {} } = options
  let database: Database | undefined
  let failing: string | undefined

  const read = (): Database => {
    const facts = statSync(path, EXACT)
    if (database === undefined || !isSame(facts, database.facts)) {
      database = readDatabase(path, owner)
    }
    return database
  }
  const current = (): Database => {
    try {
      const found = read()
      if (failing !== undefined) tell(undefined)
      failing = undefined
      return found
    } catch (cause) {
      database = undefined
      const fault = faultOf(cause)
      if (fault !== failing) tell(fault)
      failing = fault
      throw new SecregError('BUSY', 'users of the system cannot be looked up at present', { cause })
    }
  }

  return {
    loginOf: async (uid) => {
      const { logins, uids } = current()
      const login = logins.get(uid)
      return login !== undefined && uids.get(login) === uid ? login : undefined
    },
    find: async (login) => {
      const uid = current().uids.get(login)
      return uid === undefined ? undefined : { uid }
    },
    check: async () => {
      try {
        read()
      } catch (cause) {
        const message = `subauth.users_file: ${faultOf(cause)}`
        throw new SecregError('INVALID_ARGUMENT', message, { cause })
      }
    },
  }
}

/** @throws Unsafe, or what the platform throws */
function readDatabase(path: string, owner: number): Database {
  // Without O_NONBLOCK the open of a FIFO would wait for a writer.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  let text: string
  let facts: BigIntStats
  try {
    facts = fstatSync(file, EXACT)
    const { mode, size, uid } = facts
    if (!facts.isFile()) throw new Unsafe('is not a regular file')
    if (size > MAX_BYTES) throw new Unsafe(`is larger than ${MAX_BYTES} bytes`)
    if (uid !== 0n && uid !== BigInt(owner)) throw new Unsafe(`belongs to user ${uid}`)
    if ((mode & 0o022n) !== 0n) throw new Unsafe('can be written by its group or others')
    text = readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
  const logins = new Map<number, string>()
  const uids = new Map<string, number>()
  for (const line of text.split('\n')) {
    const user = parsePasswdLine(line)
    if (user === undefined) continue
    if (!logins.has(user.uid)) logins.set(user.uid, user.login)
    if (!uids.has(user.login)) uids.set(user.login, user.uid)
  }
  return { facts, logins, uids }
}

class Unsafe extends Error {}

/** In words without a path. */
function faultOf(error: unknown): string {
  if (error instanceof Unsafe) return `it ${error.message}`
  return `it cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`
}

/** Any change of content, owner or mode changes the time of its change; another file has another number. */
function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.ctimeNs === b.ctimeNs && a.size === b.size
}
