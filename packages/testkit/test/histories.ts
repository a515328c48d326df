/** Histories for the checker: long ones that are right by construction, small ones, and a slow checker to compare. */
import { isDeepStrictEqual } from 'node:util'
import type { RegisterInput, RegisterOperation, RegisterOutput } from '@secreg/testkit'

interface Contention {
  readonly seed: number
  readonly clients: number
  readonly operations: number
  readonly keys: number
  /** How many lose their outcome; of these, every other one took effect. */
  readonly unknown?: number
}

/** What clients see that are each busy all the time, while every operation takes effect at some time within it. */
export function contendedHistory(options: Contention): RegisterOperation[] {
  const { clients, operations, keys, unknown = 0 } = options
  const random = createRandom(options.seed)
  const free = new Float64Array(clients)
  const asked = Array.from({ length: operations }, (_, n) => {
    const client = n % clients
    const calledAt = (free[client] as number) + random()
    const effectAt = calledAt + 10 * random()
    const returnedAt = effectAt + 10 * random()
    free[client] = returnedAt
    return { n, client, calledAt, effectAt, returnedAt, key: `/${Math.floor(keys * random())}` }
  })
  const lost = new Set(
    Array.from({ length: unknown }, (_, i) => Math.floor(((i + 1) * operations) / (unknown + 1))),
  )
  const register = new Register()
  let forgotten = 0
  const history: RegisterOperation[] = []
  for (const { n, client, calledAt, returnedAt, key } of asked.sort(
    (a, b) => a.effectAt - b.effectAt,
  )) {
    const kind = random()
    const latest = register.latest(key)
    const input: RegisterInput =
      kind < 0.4
        ? { op: 'get' }
        : kind < 0.6
          ? { op: 'set', value: `${n}` }
          : kind < 0.9
            ? {
                op: 'set',
                value: `${n}`,
                ifVersion: Math.max(0, latest - (random() < 0.5 ? 1 : 0)),
              }
            : { op: 'delete' }
    if (!lost.has(n)) {
      const output = register.run(key, input)
      history.push({ client, key, calledAt, returnedAt, input, output })
      continue
    }
    const write: RegisterInput = { op: 'set', value: `${n}` }
    if (forgotten++ % 2 === 0) register.run(key, write)
    history.push({ client, key, calledAt, returnedAt: undefined, input: write, output: undefined })
  }
  return history
}

interface Cell {
  readonly latest: number
  readonly live: boolean
  readonly value: string
}

/** A registry of its own, written apart from the model. */
export class Register {
  readonly #keys: Map<string, Cell>

  constructor(from?: Register) {
    this.#keys = new Map(from === undefined ? [] : from.#keys)
  }

  latest(key: string): number {
    return this.#keys.get(key)?.latest ?? 0
  }

  run(key: string, input: RegisterInput): RegisterOutput {
    const cell = this.#keys.get(key) ?? { latest: 0, live: false, value: '' }
    if (input.op === 'set') {
      if (input.ifVersion !== undefined && input.ifVersion !== cell.latest) return 'conflict'
      const version = cell.latest + 1
      this.#keys.set(key, { latest: version, live: true, value: input.value })
      return { version }
    }
    if (!cell.live) return 'absent'
    if (input.op === 'get') return { value: cell.value, version: cell.latest }
    this.#keys.set(key, { ...cell, live: false })
    return { version: cell.latest }
  }
}

/** Try every order of every choice of the unknown ones until one fits: enough for seven operations or so. */
export function hasOrder(left: readonly RegisterOperation[], register = new Register()): boolean {
  if (left.every(({ returnedAt }) => returnedAt === undefined)) return true
  return left.some((next) => {
    const isLate = left.some(
      ({ returnedAt }) => returnedAt !== undefined && returnedAt < next.calledAt,
    )
    if (isLate) return false
    const after = new Register(register)
    if (!isTold(next.output, after.run(next.key, next.input))) return false
    const rest = left.filter((other) => other !== next)
    return hasOrder(rest, after)
  })
}

function isTold(told: RegisterOutput | undefined, answer: RegisterOutput): boolean {
  if (told === undefined) return true
  if (typeof told === 'string') return told === answer
  return typeof answer === 'object' && isDeepStrictEqual({ ...answer, ...told }, answer)
}

/** Numbers from 0 to 1 that a seed repeats (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
