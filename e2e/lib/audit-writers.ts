/**
 * Those who ask all the time, and know of each of their operations what the log must tell of it, whatever happened
 * meanwhile: one record if it was answered, at most one if the daemon died before its answer.
 */
import { randomInt } from 'node:crypto'
import type { AuditLine } from './site.ts'
import { ERROR, type RequestKind, Wire } from './wire.ts'

/** What one operation is recorded as. */
interface Recorded {
  readonly action: string
  readonly outcome: string
  readonly path: string
}

interface Asker {
  /** Ask once about a path that nobody else asks about. */
  ask(wire: Wire, path: string): Promise<{ kind: RequestKind; payload: object }>
  readonly recorded: Omit<Recorded, 'path'>
}

/** One kind of operation, by its name in paths. */
const ASKERS: Readonly<Record<string, Asker>> = {
  set: {
    ask: async (_, key) => ({ kind: 'set', payload: { key, value: 'x'.repeat(randomInt(200)) } }),
    recorded: { action: 'write', outcome: 'ok' },
  },
  absent: {
    ask: async (_, key) => ({ kind: 'get', payload: { key } }),
    recorded: { action: 'read', outcome: 'failed' },
  },
  list: {
    ask: async (_, prefix) => ({ kind: 'list', payload: { prefix } }),
    recorded: { action: 'list', outcome: 'ok' },
  },
  txn: {
    ask: async (_, key) => ({
      kind: 'txn',
      payload: { compare: [{ key, absent: true }], then: [{ op: 'set', key, value: 1 }] },
    }),
    recorded: { action: 'transaction', outcome: 'ok' },
  },
  unmet: {
    ask: async (_, key) => ({ kind: 'set', payload: { key, value: 'x', if_version: 7 } }),
    recorded: { action: 'write', outcome: 'failed' },
  },
  denied: {
    ask: async (_, key) => ({ kind: 'get', payload: { key } }),
    recorded: { action: 'read', outcome: 'denied' },
  },
}

/** Names of what is asked. */
export const KINDS: readonly string[] = Object.keys(ASKERS)

/** Requests of one writer that are on their way at the same time. */
const DEPTH = 4

/** Asks one kind of thing, each time about another path. */
export class AuditWriter {
  readonly kind: string
  readonly #asker: Asker
  readonly #name: string
  #count = 0
  /** Paths whose answer came. */
  readonly #answered = new Set<string>()
  /** Paths whose answer was not waited for to the end. */
  readonly #doubtful = new Set<string>()

  constructor(kind: string, name: string) {
    this.kind = kind
    this.#asker = ASKERS[kind] as Asker
    this.#name = name
  }

  /** Operations that were answered. */
  get answered(): number {
    return this.#answered.size
  }

  /** Ask until the daemon is gone. */
  async run(socket: string, session: string): Promise<void> {
    using wire = await Wire.open(socket)
    wire.session = session
    const underWay: string[] = []
    for (;;) {
      const path = `/audit/${this.kind}/${this.#name}/${this.#count++}`
      const { kind, payload } = await this.#asker.ask(wire, path)
      this.#doubtful.add(path)
      underWay.push(path)
      wire.send(kind, payload)
      if (underWay.length < DEPTH) continue
      const reply = await wire.next().catch(() => undefined)
      if (reply === undefined) return
      const refused = reply.type === ERROR
      if (refused !== (this.#asker.recorded.outcome !== 'ok')) {
        throw new Error(`${path}: ${JSON.stringify(reply.body)}`)
      }
      const done = underWay.shift() as string
      this.#doubtful.delete(done)
      this.#answered.add(done)
    }
  }

  /** @throws Error for the first operation of which the log does not tell what it must */
  check(records: ReadonlyMap<string, readonly AuditLine[]>): void {
    const { action, outcome } = this.#asker.recorded
    for (const path of [...this.#answered, ...this.#doubtful]) {
      const found = records.get(path) ?? []
      const least = this.#answered.has(path) ? 1 : 0
      if (found.length > 1 || found.length < least) {
        throw new Error(`${path} has ${found.length} records`)
      }
      for (const { body } of found) {
        if (body.action !== action || body.outcome !== outcome) {
          throw new Error(`${path} is recorded as ${body.action} ${body.outcome}`)
        }
      }
    }
    // What is not recorded by now will not be any more.
    for (const path of this.#doubtful) {
      if (records.has(path)) this.#answered.add(path)
    }
    this.#doubtful.clear()
  }
}

/** Fails to log in, each time by another name. */
export class FailedLogins {
  readonly #names: string[] = []
  readonly #prefix: string
  #asked = 0

  constructor(name: string) {
    this.#prefix = `nobody-${name}-`
  }

  get answered(): number {
    return this.#names.length
  }

  async run(socket: string): Promise<void> {
    using wire = await Wire.open(socket)
    for (;;) {
      const username = `${this.#prefix}${this.#asked++}`
      const reply = await wire.ask('auth', { username, password: 'x' }).catch(() => undefined)
      if (reply === undefined) return
      if (reply.body.success !== false) throw new Error(`${username} is let in`)
      this.#names.push(username)
    }
  }

  check(lines: readonly AuditLine[]): void {
    const found = new Map<string, number>()
    for (const { body } of lines) {
      const { user = '' } = body.actor
      if (user.startsWith(this.#prefix)) found.set(user, (found.get(user) ?? 0) + 1)
    }
    for (const name of this.#names) {
      if (found.get(name) !== 1) throw new Error(`${name} has ${found.get(name) ?? 0} records`)
    }
    for (const [name, count] of found) if (count > 1) throw new Error(`${name}: ${count} records`)
  }
}

/** Records by path. */
export function recordsByPath(lines: readonly AuditLine[]): Map<string, AuditLine[]> {
  const records = new Map<string, AuditLine[]>()
  for (const line of lines) {
    for (const path of line.body.paths) {
      const one = records.get(path)
      if (one === undefined) records.set(path, [line])
      else one.push(line)
    }
  }
  return records
}
