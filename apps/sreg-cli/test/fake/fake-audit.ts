/** The audit log of the fake registry: its questions, followers and proofs, signed with a key of its own. */
import { randomUUID } from 'node:crypto'
import {
  consistencyProof,
  createSigner,
  Frontier,
  formatCheckpoint,
  formatProof,
  GENESIS_HASH,
  hashLeaf,
  inclusionProof,
  type NoteSigner,
  parseCheckpoint,
  parseNote,
  signNote,
} from '@secreg/audit/verify'
import { type AuditRecord, SecregError } from '@secreg/protocol'
import type { Payload } from './fake-entries.ts'

const ORIGIN = `secreg/audit/${'0'.repeat(31)}1`

interface FakeFollow {
  readonly filters: Payload
  position: number
}

export class FakeAudit {
  /** Oldest first; numbers from 1 on without a gap. */
  readonly records: AuditRecord[] = []
  readonly lines: Buffer[] = []
  readonly keys: { signer: NoteSigner; from: number }[] = [{ signer: signerOf(1), from: 0 }]
  /** Records that followers are told to have missed. */
  missed = 0
  /** Records that retention has removed: they have proofs, and no line. */
  removed = 0
  readonly #follows = new Map<string, FakeFollow>()
  readonly #waiting = new Set<() => void>()

  /** Number of pages that followers wait for. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Record something, and tell those who follow. */
  add(extra: Partial<AuditRecord> = {}): AuditRecord {
    const sequence = this.records.length + 1
    const time = new Date(Date.UTC(2026, 0, 31, 9) + sequence * 1000).toISOString()
    const record: AuditRecord = {
      sequence,
      time,
      action: 'read',
      outcome: 'ok',
      paths: [`/a${sequence}`],
      actor: { user: 'alice', door: 'registry', proof: 'credential', mfa: false },
      ...extra,
    }
    const before = this.lines.at(-1)
    const previous =
      before === undefined ? GENESIS_HASH : Buffer.from(hashLeaf(before)).toString('hex')
    const body = JSON.stringify({ action: record.action, paths: record.paths })
    this.lines.push(
      Buffer.from(`{"seq":${sequence},"time":"${time}","prev":"${previous}","body":${body}}`),
    )
    this.records.push(record)
    this.wake()
    return record
  }

  /** Let every page that is waited for be answered. */
  wake(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }

  /** Forget who follows, as a restart does. */
  forgetFollows(): void {
    this.#follows.clear()
    this.#waiting.clear()
  }

  /** Give up those who follow, as where nobody has asked for long. */
  giveUp(): void {
    this.#follows.clear()
    this.wake()
  }

  audit(payload: Payload): object | Promise<object> {
    const { cursor } = payload
    if (typeof cursor === 'string') return this.#page(cursor)
    if (payload['follow'] === true) {
      const id = randomUUID()
      this.#follows.set(id, { filters: payload, position: this.records.length })
      return { records: [], cursor: id }
    }
    const { before = Number.POSITIVE_INFINITY, limit = 100 } = payload
    const found = this.records.filter(
      (record) => record.sequence < Number(before) && fits(record, payload),
    )
    const records = found.reverse().slice(0, Number(limit))
    const more = found.length > records.length
    return { records, ...(more ? { next: records.at(-1)?.sequence } : {}) }
  }

  async evidence(payload: Payload): Promise<object> {
    const { op } = payload
    const size = this.lines.length
    switch (op) {
      case 'checkpoint':
        return { checkpoint: this.checkpoint() }
      case 'keys':
        return { keys: this.#keys() }
      case 'rotate-key':
        this.keys.push({ signer: signerOf(this.keys.length + 1), from: size })
        return { keys: this.#keys() }
      case 'prove': {
        const index = Number(payload['sequence']) - 1
        if (index >= size) {
          throw new SecregError('INVALID_ARGUMENT', `the log has lines 1 to ${size}`)
        }
        const checkpoint = this.checkpoint()
        const hashes = await inclusionProof(index, size, this.#subtree)
        const proof = formatProof({ kind: 'inclusion', index, hashes, checkpoint })
        const line = index < this.removed ? undefined : this.lines[index]?.toString()
        return { checkpoint, proof, line }
      }
      case 'consistency': {
        const note = parseNote(String(payload['checkpoint']))
        const oldSize = parseCheckpoint(note?.text ?? '')?.size ?? 0
        const checkpoint = this.checkpoint()
        const hashes = await consistencyProof(oldSize, size, this.#subtree)
        const sizes = { oldSize, newSize: size }
        return {
          checkpoint,
          proof: formatProof({ kind: 'consistency', ...sizes, hashes, checkpoint }),
        }
      }
      default:
        throw new SecregError('INVALID_ARGUMENT', `no such op: ${String(op)}`)
    }
  }

  /** Sign the log as it is. */
  checkpoint(): string {
    const { signer } = this.keys.at(-1) ?? { signer: signerOf(1) }
    const root = this.#subtree(0, this.lines.length)
    return signNote(formatCheckpoint({ origin: ORIGIN, size: this.lines.length, root }), [signer])
  }

  /** The key that is in force. */
  get vkey(): string {
    return this.keys.at(-1)?.signer.vkey ?? ''
  }

  readonly #subtree = (start: number, end: number): Uint8Array => {
    const tree = new Frontier()
    for (const line of this.lines.slice(start, end)) tree.append(hashLeaf(line))
    return tree.root()
  }

  #keys(): object[] {
    return this.keys.map(({ signer, from }, index) => ({
      key: signer.vkey,
      from,
      current: index === this.keys.length - 1,
    }))
  }

  async #page(cursor: string): Promise<object> {
    const follow = this.#follows.get(cursor)
    if (follow === undefined) throw new SecregError('NOT_FOUND', 'no such follow')
    if (follow.position === this.records.length) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
    const records = this.records.slice(follow.position)
    follow.position = this.records.length
    const { missed } = this
    this.missed = 0
    return {
      cursor,
      records: records.filter((record) => fits(record, follow.filters)),
      ...(missed === 0 ? {} : { missed }),
    }
  }
}

function signerOf(byte: number): NoteSigner {
  return createSigner(new Uint8Array(32).fill(byte), ORIGIN)
}

function fits({ action, actor, outcome }: AuditRecord, filters: Payload): boolean {
  const wanted = [
    [filters['action'], action],
    [filters['user'], actor.user],
    [filters['outcome'], outcome],
  ]
  return wanted.every(([asked, is]) => asked === undefined || asked === is)
}
