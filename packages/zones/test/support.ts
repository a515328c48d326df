import { createHash } from 'node:crypto'
import { type CryptoBackend, nobleBackend } from '@secreg/crypto'
import type { Op } from '@secreg/storage'
import {
  type Account,
  hashNewPassword,
  type NewAccount,
  type PasswordHasher,
  planCreateAccount,
  type RowView,
} from '@secreg/zones'

/** Rows in memory, under the rules of the storage contract. */
export class Rows implements RowView {
  readonly map = new Map<string, Uint8Array>()

  get(key: string): Uint8Array | undefined {
    return this.map.get(key)
  }

  text(key: string): string | undefined {
    const row = this.map.get(key)
    return row === undefined ? undefined : new TextDecoder().decode(row)
  }

  put(key: string, text: string): void {
    this.map.set(key, new TextEncoder().encode(text))
  }

  apply({ ops }: { readonly ops: readonly Op[] }): void {
    if (new Set(ops.map(({ key }) => key)).size !== ops.length) throw new Error('a key twice')
    for (const op of ops) {
      if (op.type === 'put') this.map.set(op.key, op.value)
      else this.map.delete(op.key)
    }
  }
}

/** Rows with the changes of earlier plans of the same group. */
export class Overlay implements RowView {
  readonly #rows: Rows
  readonly #changed = new Map<string, Uint8Array | undefined>()

  constructor(rows: Rows) {
    this.#rows = rows
  }

  get(key: string): Uint8Array | undefined {
    return this.#changed.has(key) ? this.#changed.get(key) : this.#rows.get(key)
  }

  add(ops: readonly Op[]): void {
    for (const op of ops) this.#changed.set(op.key, op.type === 'put' ? op.value : undefined)
  }

  commit(): void {
    for (const [key, value] of this.#changed) {
      if (value === undefined) this.#rows.map.delete(key)
      else this.#rows.map.set(key, value)
    }
  }
}

/** A hasher that is quick, salts, and writes down what it verified. */
export class QuickHasher implements PasswordHasher {
  readonly verified: { password: string; phc: string }[] = []
  cost = 1
  #salt = 0

  async hash(password: string): Promise<string> {
    const salt = `s${++this.#salt}`
    return `$quick$c=${this.cost}$${salt}$${digest(salt, password)}`
  }

  async verify(password: string, phc: string): Promise<boolean> {
    this.verified.push({ password, phc })
    const [, , , salt, hash] = phc.split('$')
    return digest(salt ?? '', password) === hash
  }

  needsRehash(phc: string): boolean {
    return !phc.startsWith(`$quick$c=${this.cost}$`)
  }

  decoy(): string {
    return `$quick$c=${this.cost}$decoy$${'0'.repeat(64)}`
  }
}

function digest(salt: string, password: string): string {
  return createHash('sha256').update(`${salt}\0${password}`).digest('hex')
}

export class Clock {
  ms = 1_000

  readonly nowMs = (): number => this.ms
}

export const GOOD_PASSWORD = 'Correct-Horse-9'

export const crypto = nobleBackend

/** The same random bytes in each run: of random secrets, two codes of six digits are the same now and then. */
export function fixedCrypto(): CryptoBackend {
  let drawn = 0
  return {
    ...crypto,
    randomBytes: (length) => {
      const bytes = new Uint8Array(length)
      for (let at = 0; at < length; at += 32) {
        bytes.set(crypto.sha256(Uint8Array.of(drawn++)).subarray(0, length - at), at)
      }
      return bytes
    },
  }
}

export const when: { nowMs: number } = { nowMs: 1_700_000_000_000 }

export async function create(
  rows: Rows,
  wanted: Omit<NewAccount, 'password'>,
  password: string | undefined = GOOD_PASSWORD,
  hasher: PasswordHasher = new QuickHasher(),
): Promise<Account> {
  const hashed = password === '' ? {} : { password: await hashNewPassword(hasher, password) }
  const plan = planCreateAccount(rows, { ...wanted, ...hashed }, { ...when, crypto })
  rows.apply(plan)
  return plan.account
}

/** Code of what a function throws, or 'nothing'. */
export function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).name
  }
  return 'nothing'
}

export async function rejectionOf(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('expected a rejection')
}
