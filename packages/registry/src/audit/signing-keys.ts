/**
 * The keys that sign the audit log. They come from the root key, one for each number, so that none is stored; the log
 * itself tells which one is in force. The name that they sign under is made of the first record, so that a log that is
 * begun anew has another.
 */
import type { AuditLog, LogSigner } from '@secreg/audit'
import { createSigner } from '@secreg/audit/verify'
import { wipe } from '@secreg/crypto'
import { SecregError } from '@secreg/protocol'
import type { Engine, Op } from '@secreg/storage'
import type { KeyState } from '../key-state.ts'
import { AUDIT_KEY_KEY } from '../keys.ts'
import { auditOrigin } from './origin.ts'

/** Numbers beyond the stored one in which the key of the log is looked for: a restore may have brought an old number. */
const NUMBERS_AHEAD = 64

const encoder = new TextEncoder()

/** Where the keys are put to use. */
export interface SigningKeysOptions {
  readonly engine: Engine
  readonly log: AuditLog
  readonly keys: KeyState
  readonly onFault?: ((fault: unknown) => void) | undefined
}

/** A key before it comes into force, and the row that says so. */
export interface NextKey {
  readonly signer: LogSigner
  readonly op: Op
}

interface Current {
  readonly number: number
  readonly signer: LogSigner
  /** Unsealing that it belongs to. */
  readonly unsealing: number
}

export class SigningKeys {
  readonly #options: SigningKeysOptions
  #current: Current | undefined
  #finding: Promise<Current | undefined> | undefined
  /** Never rejects. */
  #rotating: Promise<void> = Promise.resolve()

  constructor(options: SigningKeysOptions) {
    this.#options = options
  }

  /** The key in force, in agreement with the log; `undefined` while it is sealed, or nothing is recorded yet. */
  async signer(): Promise<LogSigner | undefined> {
    return (await this.#find())?.signer
  }

  /**
   * Put the next key into force: its row is stored, then the old key hands over. What is cut off in between is gone on
   * with at the next unsealing.
   *
   * @param store - makes the row durable, or throws
   * @throws SecregError `ERR_SEALED`, `ERR_AUDIT_FAILED`; what `store` throws
   */
  rotate(store: (next: NextKey) => Promise<void>): Promise<void> {
    const rotated = this.#rotating.then(async () => {
      const before = await this.#find()
      if (before === undefined) {
        this.#options.keys.requireUnsealed()
        throw new SecregError('AUDIT_FAILED', 'the audit log has no record yet')
      }
      const number = before.number + 1
      const signer = this.#signerOf(number, before.signer.name)
      const value = encoder.encode(JSON.stringify({ number }))
      await store({ signer, op: { type: 'put', key: AUDIT_KEY_KEY, value } })
      // Whatever becomes of the hand-over, the old key is looked for again and not taken for granted.
      this.#current = undefined
      await this.#options.log.evidence.handOver(signer, before.signer)
    })
    this.#rotating = rotated.catch(() => {})
    return rotated
  }

  #find(): Promise<Current | undefined> {
    const { keys } = this.#options
    if (keys.state !== 'unsealed') {
      this.#current = undefined
      return Promise.resolve(undefined)
    }
    if (this.#current?.unsealing === keys.unsealings) return Promise.resolve(this.#current)
    this.#finding ??= this.#agree().finally(() => {
      this.#finding = undefined
    })
    return this.#finding
  }

  /** Bring the stored number and the log together. */
  async #agree(): Promise<Current | undefined> {
    const { engine, keys, log, onFault } = this.#options
    const { evidence } = log
    const unsealing = keys.unsealings
    const first = await evidence.firstHash()
    if (first === undefined) return undefined
    const name = auditOrigin(first)
    const stored = numberOf(await engine.get(AUDIT_KEY_KEY))
    if (keys.state !== 'unsealed') return undefined
    let current = { number: stored, signer: this.#signerOf(stored, name), unsealing }
    const known = evidence.key
    if (known === undefined) await evidence.handOver(current.signer)
    else if (known !== current.signer.vkey) {
      const number = this.#numberOfKey(known, stored, name)
      // A hand-over that did not come to its end goes on; a number that a restore has brought back does not.
      if (number === undefined) {
        onFault?.(
          new SecregError(
            'AUDIT_FAILED',
            'the audit log was signed with a key that is not this registry\u2019s',
          ),
        )
        await evidence.handOver(current.signer)
      } else if (number < stored) {
        await evidence.handOver(current.signer, this.#signerOf(number, name))
      } else current = { number, signer: this.#signerOf(number, name), unsealing }
    }
    if (keys.unsealings !== unsealing || keys.state !== 'unsealed') return undefined
    this.#current = current
    return current
  }

  #numberOfKey(vkey: string, stored: number, name: string): number | undefined {
    for (let distance = 1; distance <= NUMBERS_AHEAD; distance++) {
      for (const number of [stored - distance, stored + distance]) {
        if (number >= 1 && this.#signerOf(number, name).vkey === vkey) return number
      }
    }
    return undefined
  }

  #signerOf(number: number, name: string): LogSigner {
    const seed = this.#options.keys.signingSeed(number)
    try {
      return createSigner(seed, name)
    } finally {
      wipe(seed)
    }
  }
}

function numberOf(row: { readonly value: Uint8Array } | undefined): number {
  if (row === undefined) return 1
  try {
    const { number } = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(row.value))
    if (Number.isSafeInteger(number) && number >= 1) return number
  } catch {
    // As below.
  }
  throw new SecregError('STORAGE_CORRUPT', 'the number of the audit key cannot be read')
}
