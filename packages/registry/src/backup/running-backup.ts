/** A backup of the registry as it is at one revision, made piece by piece while it goes on (DESIGN §6). */
import { type BackupHeader, writeBackup } from '@secreg/backup'
import { isCryptoError, type SealHeader, wipe } from '@secreg/crypto'
import { nodeBackend } from '@secreg/crypto/node'
import { SecregError } from '@secreg/protocol'
import type { Row, Snapshot } from '@secreg/storage'
import type { Core } from '../core.ts'
import { Counters } from '../counters.ts'
import { COUNTERS_KEY, SEAL_KEY } from '../keys.ts'
import { decodeHeader } from '../seal-row.ts'
import { backupRows } from './snapshot-rows.ts'

/** Parts of the registry that a backup is made from. */
export type BackupCore = Pick<Core, 'engine' | 'journal' | 'keys' | 'now'>

export class RunningBackup {
  readonly header: BackupHeader
  readonly #snapshot: Snapshot
  readonly #pieces: AsyncIterator<Uint8Array>
  #first: Uint8Array | undefined
  #bytes = 0
  #closed = false

  private constructor(
    header: BackupHeader,
    snapshot: Snapshot,
    pieces: AsyncIterator<Uint8Array>,
    first: Uint8Array | undefined,
  ) {
    this.header = header
    this.#snapshot = snapshot
    this.#pieces = pieces
    this.#first = first
  }

  /**
   * Begin one, of everything that is committed now.
   *
   * @param version - of this software
   * @throws SecregError `ERR_SEALED`, `ERR_UNINITIALIZED`, `ERR_NO_PORTABLE_PROTECTOR`; StorageError
   */
  static async begin(core: BackupCore, version: string): Promise<RunningBackup> {
    core.keys.requireUnsealed()
    const { sequence, hash, revision: logged } = core.journal.log.tail
    const snapshot = core.engine.snapshot()
    try {
      const { revision } = snapshot
      const counters = await snapshot.get(COUNTERS_KEY)
      const { seal, backupKey } = sealFor(core, await snapshot.get(SEAL_KEY))
      try {
        const stream = writeBackup({
          seal,
          backupKey,
          generation: core.engine.generation,
          revision,
          createdAtMs: core.now(),
          meta: {
            software: version,
            log: { sequence, hash, revision: logged },
            entries: new Counters().entries({
              get: (key) => (key === COUNTERS_KEY ? counters : undefined),
            }),
          },
          rows: backupRows(snapshot),
          backend: nodeBackend,
        })
        const pieces = stream[Symbol.asyncIterator]()
        // Begun at once: only what has begun wipes its keys when it is ended.
        const { value } = await pieces.next()
        return new RunningBackup(stream.header, snapshot, pieces, value)
      } finally {
        wipe(backupKey)
      }
    } catch (error) {
      await snapshot.close()
      throw error
    }
  }

  /** Bytes that were handed out. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * The next bytes of the file.
   *
   * @returns a fresh copy; `undefined` at its end
   */
  async next(): Promise<Uint8Array | undefined> {
    // What was closed ends too, and must not look complete.
    if (this.#closed) throw new SecregError('NOT_FOUND', 'the backup has ended; start it again')
    const first = this.#first
    this.#first = undefined
    const piece = first ?? ((await this.#pieces.next()).value as Uint8Array | undefined)
    this.#bytes += piece?.length ?? 0
    return piece
  }

  /** Wipe the keys and let go of the snapshot; idempotent, and waits for what is being made. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#pieces.return?.()
    await this.#snapshot.close()
  }
}

function sealFor(
  { keys }: BackupCore,
  row: Row | undefined,
): { readonly seal: SealHeader; readonly backupKey: Uint8Array } {
  if (row === undefined) throw new SecregError('STORAGE_CORRUPT', 'the seal header is missing')
  try {
    return keys.backupSeal(decodeHeader(row))
  } catch (cause) {
    if (!isCryptoError(cause, 'ERR_CRYPTO_NO_PORTABLE')) throw cause
    throw new SecregError(
      'NO_PORTABLE_PROTECTOR',
      'nothing that protects the registry works on another host, so nothing could open the backup there',
      { cause },
    )
  }
}
