/** Writers of changes over many rows, each of which knows what must be there afterwards, whatever happened meanwhile. */
import { randomInt } from 'node:crypto'
import { createCanary } from '@secreg/testkit'
import { expect } from 'vitest'
import type { AuditLine } from './site.ts'
import { ERROR, type RequestKind, type Wire } from './wire.ts'

/** A refusal because of the disk. */
export class Refused extends Error {
  override name = 'Refused'
  readonly reason: string
  constructor(reason: string) {
    super(reason)
    this.reason = reason
  }
}

export interface ChangeWriter {
  /** Make what the others rest on. */
  prepare(wire: Wire): Promise<void>
  /**
   * Make one change.
   *
   * @throws Refused when the disk is full; Error when the connection is gone, and then the change may have been made
   */
  step(wire: Wire): Promise<void>
  /** Compare with what is there, and take it over where it was not known. */
  check(wire: Wire): Promise<void>
  /** Compare with the log: each change that was made has one record, and no other has one. */
  checkLog(lines: readonly AuditLine[]): void
}

// biome-ignore lint/suspicious/noExplicitAny: an answer is whatever the server sent
async function change(wire: Wire, kind: RequestKind, payload: object): Promise<any> {
  const { type, body } = await wire.ask(kind, payload)
  if (type !== ERROR) return body
  if (body.code !== 7) throw new Error(`${kind}: ${JSON.stringify(body)}`)
  throw new Refused(body.reason)
}

/** Whether a change that failed may have been made all the same. */
function isDoubtful(error: unknown): boolean {
  return !(error instanceof Refused) || error.reason === 'OUTCOME_UNKNOWN'
}

function made(lines: readonly AuditLine[], action: string, path: string): AuditLine[] {
  return lines.filter(
    ({ rev, body }) =>
      rev !== undefined &&
      body.action === action &&
      body.outcome === 'ok' &&
      body.paths.includes(path),
  )
}

const COUNTERS = Array.from({ length: 6 }, (_, n) => `/counter/${n}`)
const EACH = 100

/** Takes one unit from one counter to another; together they keep their sum. */
export class Transfers implements ChangeWriter {
  readonly #steps: string
  #asked = 0
  #acknowledged = 0

  constructor(name: string) {
    this.#steps = `/steps/${name}`
  }

  async prepare(wire: Wire): Promise<void> {
    for (const key of COUNTERS) await wire.ok('set', { key, value: EACH, encrypt: true })
    await wire.ok('set', { key: this.#steps, value: 0 })
  }

  async step(wire: Wire): Promise<void> {
    for (;;) {
      const from = randomInt(COUNTERS.length)
      const to = (from + randomInt(1, COUNTERS.length)) % COUNTERS.length
      const keys = [COUNTERS[from], COUNTERS[to]] as [string, string]
      const [give, take] = [await this.#read(wire, keys[0]), await this.#read(wire, keys[1])]
      const next = this.#acknowledged + 1
      this.#asked = next
      try {
        const { succeeded } = await change(wire, 'txn', {
          compare: [
            { key: keys[0], version: give.version },
            { key: keys[1], revision: take.revision },
          ],
          then: [
            { op: 'set', key: keys[0], value: give.value - 1 },
            { op: 'set', key: this.#steps, value: next },
            { op: 'set', key: keys[1], value: take.value + 1 },
          ],
        })
        if (succeeded !== true) continue
        this.#acknowledged = next
        return
      } catch (error) {
        if (!isDoubtful(error)) this.#asked = this.#acknowledged
        throw error
      }
    }
  }

  async #read(
    wire: Wire,
    key: string,
  ): Promise<{ value: number; version: number; revision: number }> {
    const { value, version, modify_revision } = await change(wire, 'get', { key, decrypt: true })
    return { value: Number(value), version, revision: modify_revision }
  }

  async check(wire: Wire): Promise<void> {
    let sum = 0
    for (const key of COUNTERS) sum += (await this.#read(wire, key)).value
    expect(sum, 'the sum of the counters').toBe(EACH * COUNTERS.length)
    const { value } = await this.#read(wire, this.#steps)
    expect(value, this.#steps).toBeGreaterThanOrEqual(this.#acknowledged)
    expect(value, this.#steps).toBeLessThanOrEqual(this.#asked)
    this.#asked = value
    this.#acknowledged = value
  }

  checkLog(lines: readonly AuditLine[]): void {
    const done = made(lines, 'transaction', this.#steps)
    expect(done.length, this.#steps).toBe(this.#acknowledged)
  }
}

/** Moves a subtree from one place to the other and back. */
export class Mover implements ChangeWriter {
  readonly #places: readonly [string, string]
  readonly #values: ReadonlyMap<string, string> = new Map(
    ['', '/a', '/a/b', '/large', '/z'].map((below) => [
      below,
      createCanary().repeat(below === '/large' ? 400 : 1),
    ]),
  )
  #at: 0 | 1 = 0
  #moves = 0
  #doubtful = false

  constructor(name: string) {
    this.#places = [`/tree/${name}/here`, `/tree/${name}/there/deep`]
  }

  async prepare(wire: Wire): Promise<void> {
    for (const [below, value] of this.#values) {
      const key = this.#places[0] + below
      await wire.ok('set', { key, value: 'before', type: 'string' })
      await wire.ok('set', { key, value, type: 'string', encrypt: below.length % 2 === 0 })
    }
  }

  async step(wire: Wire): Promise<void> {
    const there = this.#at === 0 ? 1 : 0
    const [from, to] = [this.#places[this.#at], this.#places[there]]
    this.#doubtful = true
    try {
      const { count } = await change(wire, 'transfer', { op: 'move', from, to, recursive: true })
      expect(count).toBe(this.#values.size)
    } catch (error) {
      this.#doubtful = isDoubtful(error)
      throw error
    }
    this.#doubtful = false
    this.#moved(there)
  }

  #moved(there: 0 | 1): void {
    this.#at = there
    this.#moves++
  }

  async check(wire: Wire): Promise<void> {
    const found = await Promise.all(
      this.#places.map(async (prefix) => {
        const { keys } = await wire.ok('list', { prefix, recursive: true })
        const { type } = await wire.ask('get', { key: prefix })
        return (type === ERROR ? 0 : 1) + keys.length
      }),
    )
    const where = found[0] === 0 ? 1 : 0
    expect(found, 'the subtree is wholly at one place').toEqual(
      where === 0 ? [this.#values.size, 0] : [0, this.#values.size],
    )
    if (where !== this.#at) {
      expect(this.#doubtful, 'a move that nobody asked for').toBe(true)
      this.#moved(where)
    }
    this.#doubtful = false
    for (const [below, value] of this.#values) {
      const key = this.#places[where] + below
      expect(await wire.ok('get', { key, decrypt: true }), key).toMatchObject({ value, version: 2 })
      expect(await wire.ok('get', { key, version: 1 }), key).toMatchObject({ value: 'before' })
    }
  }

  checkLog(lines: readonly AuditLine[]): void {
    const done = made(lines, 'move', this.#places[0])
    expect(done.length, this.#places[0]).toBe(this.#moves)
  }
}

/** Purges a key and makes it again. */
export class Purger implements ChangeWriter {
  readonly #key: string
  #value: string | undefined
  /** What it may be instead: of the change that nobody knows of. */
  #instead: { readonly value: string | undefined } | undefined
  #latest = 0
  #purges = 0
  /** Some values that are to be in no file by and by. */
  readonly purged: string[] = []

  constructor(name: string) {
    this.#key = `/purged/${name}`
  }

  async prepare(): Promise<void> {}

  async step(wire: Wire): Promise<void> {
    const value = this.#value === undefined ? createCanary().repeat(randomInt(1, 300)) : undefined
    this.#instead = { value }
    try {
      if (value === undefined) {
        await change(wire, 'versions', { op: 'purge', key: this.#key })
        this.#gone()
      } else {
        const { version } = await change(wire, 'set', { key: this.#key, value, type: 'string' })
        this.#made(value, version)
      }
    } catch (error) {
      if (!isDoubtful(error)) this.#instead = undefined
      throw error
    }
    this.#instead = undefined
  }

  #made(value: string, version: number): void {
    expect(version, `${this.#key}: a number never comes twice`).toBeGreaterThan(this.#latest)
    this.#value = value
    this.#latest = version
  }

  #gone(): void {
    this.purged.push((this.#value as string).slice(0, 31))
    if (this.purged.length > 5) this.purged.shift()
    this.#value = undefined
    this.#purges++
  }

  async check(wire: Wire): Promise<void> {
    const { type, body } = await wire.ask('get', { key: this.#key })
    if (type === ERROR) expect(body.reason, this.#key).toBe('STORAGE_KEY_NOT_FOUND')
    const value: string | undefined = type === ERROR ? undefined : body.value
    if (value !== this.#value) {
      expect(this.#instead, `${this.#key}: what is there is what was acknowledged`).toEqual({
        value,
      })
      if (value === undefined) this.#gone()
      else this.#made(value, body.version)
    }
    this.#instead = undefined
  }

  checkLog(lines: readonly AuditLine[]): void {
    expect(made(lines, 'purge', this.#key).length, this.#key).toBe(this.#purges)
  }
}

/** Sets keys that live for one second, each once. */
export class Expirer implements ChangeWriter {
  readonly #prefix: string
  #count = 0
  readonly #set = new Map<string, { readonly askedMs: number; acknowledgedMs?: number }>()

  constructor(name: string) {
    this.#prefix = `/expiring/${name}`
  }

  async prepare(): Promise<void> {}

  async step(wire: Wire): Promise<void> {
    const key = `${this.#prefix}/${this.#count++}`
    const askedMs = Date.now()
    this.#set.set(key, { askedMs })
    try {
      await change(wire, 'set', { key, value: key, ttl_s: 1, encrypt: true })
      this.#set.set(key, { askedMs, acknowledgedMs: Date.now() })
    } catch (error) {
      if (!isDoubtful(error)) this.#set.delete(key)
      throw error
    }
  }

  async check(wire: Wire): Promise<void> {
    const fromMs = Date.now()
    const { keys } = await wire.ok('list', { prefix: this.#prefix })
    const toMs = Date.now()
    const there = new Set<string>(keys)
    for (const [key, { askedMs, acknowledgedMs }] of this.#set) {
      if (acknowledgedMs !== undefined && acknowledgedMs + 1000 <= fromMs) {
        expect(there.has(key), `${key} has expired, and stays so`).toBe(false)
      }
      if (acknowledgedMs !== undefined && askedMs + 1000 > toMs) {
        expect(there.has(key), `${key} lives for its second`).toBe(true)
      }
    }
    expect(keys.every((key: string) => this.#set.has(key))).toBe(true)
  }

  checkLog(lines: readonly AuditLine[]): void {
    const expired = lines
      .filter(({ body }) => body.action === 'expire')
      .flatMap(({ body }) => body.paths)
      .filter((path) => path.startsWith(`${this.#prefix}/`))
    expect(new Set(expired).size, `${this.#prefix}: nothing expires twice`).toBe(expired.length)
    for (const path of expired) expect(this.#set.has(path)).toBe(true)
  }

  /** Number of keys that were acknowledged. */
  get acknowledged(): number {
    return [...this.#set.values()].filter((one) => one.acknowledgedMs !== undefined).length
  }

  /** Whether the log tells of the end of every acknowledged key. */
  isOver(lines: readonly AuditLine[]): boolean {
    const expired = new Set(
      lines.filter(({ body }) => body.action === 'expire').flatMap(({ body }) => body.paths),
    )
    return [...this.#set].every(
      ([key, one]) => one.acknowledgedMs === undefined || expired.has(key),
    )
  }
}
