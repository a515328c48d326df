/** The user database of the system: getent at most so often at once, its answers kept for a short while. */
import { accessSync, constants } from 'node:fs'
import { SecregError } from '@secreg/protocol'
import { isZoneLogin } from '@secreg/zones'
import { ExpiringCache } from './expiring-cache.ts'
import { askGetent } from './getent.ts'
import type { SystemUser } from './passwd-line.ts'
import type { SystemUsers } from './system-users.ts'

export interface UsersOfSystemOptions {
  /** Absolute path of getent(1); default `/usr/bin/getent`. */
  readonly program?: string
  /** Time after which it is killed, milliseconds; default 5000. */
  readonly timeoutMs?: number
  /** Processes at once; default 4. */
  readonly maxRunning?: number
  /** Look-ups that wait for one of them to end; one more is refused. Default 256. */
  readonly maxWaiting?: number
  /** Told why it gives no answer, once for each cause, and `undefined` when it does again. */
  readonly tell?: (fault: string | undefined) => void
  /** Monotonic milliseconds; default `performance.now`. */
  readonly now?: () => number
}

const GETENT = '/usr/bin/getent'
const TIMEOUT_MS = 5000
const MAX_RUNNING = 4
const MAX_WAITING = 256
/** Whoever was removed from the machine is gone at the latest after this. */
const FOUND_MS = 30_000
const ABSENT_MS = 5000
const MAX_CACHED = 4096
const RETRY_AFTER_SECONDS = 1

/** Use the user database of the system. */
export function usersOfSystem(options: UsersOfSystemOptions = {}): SystemUsers {
  const database = new Database(options)
  return {
    loginOf: async (uid) => {
      const user = await database.ask(String(uid))
      if (user?.uid !== uid) return undefined
      // The login of two users is the first one's, whoever else has it.
      const first = await database.ask(user.login)
      return first?.login === user.login && first.uid === uid ? user.login : undefined
    },
    find: async (login) => {
      // Digits alone are a uid to getent, whoever is called so.
      if (!isZoneLogin(login) || /^[0-9]+$/.test(login)) return undefined
      const user = await database.ask(login)
      return user?.login === login ? { uid: user.uid } : undefined
    },
    check: async () => {
      const program = options.program ?? GETENT
      try {
        accessSync(program, constants.X_OK)
      } catch (cause) {
        const message = `subauth.socket: ${program} is needed for the users of the system and is not there; or set subauth.users_file`
        throw new SecregError('INVALID_ARGUMENT', message, { cause })
      }
    },
  }
}

class Database {
  readonly #program: string
  readonly #timeoutMs: number
  readonly #maxRunning: number
  readonly #maxWaiting: number
  readonly #tell: (fault: string | undefined) => void
  readonly #known: ExpiringCache<string, SystemUser>
  /** Look-ups under way, so that the same question is asked once. */
  readonly #asking = new Map<string, Promise<SystemUser | undefined>>()
  readonly #waiting: (() => void)[] = []
  #running = 0
  #failing: string | undefined

  constructor(options: UsersOfSystemOptions) {
    this.#program = options.program ?? GETENT
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS
    this.#maxRunning = options.maxRunning ?? MAX_RUNNING
    this.#maxWaiting = options.maxWaiting ?? MAX_WAITING
    this.#tell = options.tell ?? (() => {})
    this.#known = new ExpiringCache({
      maxEntries: MAX_CACHED,
      foundMs: FOUND_MS,
      absentMs: ABSENT_MS,
      now: options.now ?? (() => performance.now()),
    })
  }

  async ask(key: string): Promise<SystemUser | undefined> {
    const known = this.#known.get(key)
    if (known !== undefined) return known.value
    let asked = this.#asking.get(key)
    if (asked === undefined) {
      if (this.#waiting.length >= this.#maxWaiting) throw unavailable()
      asked = this.#ask(key).finally(() => this.#asking.delete(key))
      this.#asking.set(key, asked)
    }
    return asked
  }

  async #ask(key: string): Promise<SystemUser | undefined> {
    if (this.#running < this.#maxRunning) this.#running++
    // Whoever has ended hands his place over.
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      const user = await askGetent(this.#program, key, this.#timeoutMs)
      this.#known.set(key, user)
      this.#say(undefined)
      return user
    } catch (cause) {
      this.#say((cause as Error).message)
      throw unavailable(cause)
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }

  /** Once for each cause: whoever asks must not be able to fill the log. */
  #say(fault: string | undefined): void {
    if (fault === this.#failing) return
    this.#failing = fault
    this.#tell(fault)
  }
}

function unavailable(cause?: unknown): SecregError {
  return new SecregError('BUSY', 'users of the system cannot be looked up at present', {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
    ...(cause === undefined ? {} : { cause }),
  })
}
