/** Backups of the whole registry while it goes on: read by a client piece by piece, or by the daemon for its schedule. */
import {
  type BackupHeader,
  type BackupReport,
  openBackupWithKey,
  verifyBackup,
} from '@secreg/backup'
import { type ByteSource, isCryptoError, wipe } from '@secreg/crypto'
import { nodeBackend } from '@secreg/crypto/node'
import {
  type BackupInfo,
  type BackupResponse,
  type BackupSchedule,
  type Caller,
  LIMITS,
  type RequestOf,
  SecregError,
} from '@secreg/protocol'
import { backupFailure } from '../backup/backup-failure.ts'
import type { BackupNotes } from '../backup/backup-notes.ts'
import { RunningBackup } from '../backup/running-backup.ts'
import type { Core } from '../core.ts'
import type { BackupState } from '../doctor/backup-finding.ts'
import { internalCaller } from '../internal-caller.ts'
import { REGISTRY_LIMITS } from '../limits.ts'
import { OpenJobs } from '../open-jobs.ts'
import { type Facts, recorded } from '../recorded.ts'

/** A backup whose next piece nobody has fetched for so long ends, milliseconds. */
export const BACKUP_IDLE_MS = 60_000
/** After so long it makes room for another, milliseconds. */
const YIELD_MS = 5_000
/** Bytes of one answer: its base64 is written as JSON in one stretch. */
const PIECE_BYTES: number = LIMITS.backupPieceBytes / 2

const SCHEDULE = internalCaller('backup')

export interface BackupOptions {
  readonly notes: BackupNotes
  /** Of this software. */
  readonly version: string
  /** What the schedule does, where there is one. */
  readonly schedule: () => BackupSchedule | undefined
  readonly onFault: ((fault: unknown) => void) | undefined
}

export class Backups {
  readonly #core: Core
  readonly #options: BackupOptions
  readonly #jobs: OpenJobs<RunningBackup>
  /** Of the schedule, while it runs. */
  readonly #own = new Set<ScheduledBackup>()

  constructor(core: Core, options: BackupOptions) {
    this.#core = core
    this.#options = options
    this.#jobs = new OpenJobs({
      what: 'backup',
      now: core.now,
      newId: core.newEntryId,
      most: REGISTRY_LIMITS.openBackups,
      idleMs: BACKUP_IDLE_MS,
      yieldMs: YIELD_MS,
      release: (job) => job.close(),
    })
  }

  /**
   * One step of a backup that a client reads.
   *
   * @throws SecregError `ERR_ACCESS_DENIED`, `ERR_SEALED`, `ERR_NO_PORTABLE_PROTECTOR`, `ERR_BUSY`; `ERR_NOT_FOUND` for
   *   one that has ended or is another caller's
   */
  async backup(caller: Caller, request: RequestOf<'backup'>): Promise<BackupResponse> {
    switch (request.op) {
      case 'begin':
        return this.#begin(caller)
      case 'read':
        return this.#read(caller, request.backup)
      case 'abort':
        await this.#jobs.use(caller, request.backup, async () => {})
        this.#jobs.end(caller, request.backup)
        return {}
      case 'status':
        return this.#status(caller)
    }
  }

  /**
   * Begin one for the schedule. Its record is written before this returns.
   *
   * @throws SecregError as {@link backup}
   */
  async scheduled(): Promise<ScheduledBackup> {
    const facts: Facts = { action: 'backup' }
    let job: RunningBackup | undefined
    try {
      return await recorded(this.#core.journal, SCHEDULE, facts, async () => {
        job = await RunningBackup.begin(this.#core, this.#options.version)
        facts.detail = detailOf(job, 'scheduled')
        const scheduled = new ScheduledBackup(this.#core, this.#options, job, () =>
          this.#own.delete(scheduled),
        )
        this.#own.add(scheduled)
        return scheduled
      })
    } catch (error) {
      await job?.close()
      throw error
    }
  }

  /**
   * Whether a file is a backup that this registry has made, by its header.
   *
   * @returns the header; `undefined` for any other file
   * @throws SecregError `ERR_SEALED`; errors of the source
   */
  async ownHeader(source: ByteSource): Promise<BackupHeader | undefined> {
    try {
      await using content = await open(this.#core, source)
      return content.header
    } catch (cause) {
      if (isCryptoError(cause, 'ERR_CRYPTO_WRONG_KEY')) return undefined
      const told = backupFailure(cause)
      if (told === undefined) throw cause
      return undefined
    }
  }

  /** What the doctor looks at. */
  get state(): BackupState {
    const { last } = this.#options.notes
    const schedule = this.#options.schedule()
    return {
      scheduled: schedule !== undefined,
      ...(last === undefined ? {} : { lastSuccessMs: last.at }),
      ...(schedule?.failing === undefined ? {} : { failing: schedule.failing }),
    }
  }

  /** Release what nobody goes on with, and what belongs to sessions that have ended. */
  sweep(sessions: ReadonlySet<string>): Promise<void> {
    return this.#jobs.sweep(sessions)
  }

  /** End all of them, and wipe their keys. */
  async end(why?: SecregError): Promise<void> {
    const own = [...this.#own].map((scheduled) => scheduled.close(why))
    await Promise.all([this.#jobs.endAll(why), ...own])
  }

  async #begin(caller: Caller): Promise<BackupResponse> {
    const { journal, authorizer } = this.#core
    const facts: Facts = { action: 'backup' }
    let job: RunningBackup | undefined
    let added: string | undefined
    try {
      return await recorded(journal, caller, facts, async () => {
        authorizer.require(caller, 'backup', '/')
        this.#core.keys.requireUnsealed()
        this.#jobs.requireRoom()
        job = await RunningBackup.begin(this.#core, this.#options.version)
        facts.detail = detailOf(job)
        const { id, revision, generation, createdAtMs } = job.header
        // Others may have come meanwhile.
        this.#jobs.requireRoom()
        added = this.#jobs.add(caller, job)
        return { backup: added, id, revision, generation, created_at: createdAtMs }
      })
    } catch (error) {
      if (added !== undefined) this.#jobs.end(caller, added)
      else await job?.close()
      throw error
    }
  }

  async #read(caller: Caller, id: string): Promise<BackupResponse> {
    const { data, last } = await this.#jobs.use(caller, id, async (job) => {
      const pieces: Uint8Array[] = []
      let bytes = 0
      let piece: Uint8Array | undefined
      do {
        piece = await job.next()
        if (piece === undefined) break
        pieces.push(piece)
        bytes += piece.length
      } while (bytes < PIECE_BYTES)
      if (piece === undefined) await this.#note(job, 'client')
      return { data: Buffer.concat(pieces).toString('base64'), last: piece === undefined }
    })
    if (last) this.#jobs.end(caller, id)
    return { data, last }
  }

  #status(caller: Caller): Promise<BackupResponse> {
    const facts: Facts = { action: 'backup', detail: 'status' }
    return recorded(this.#core.journal, caller, facts, () => {
      this.#core.authorizer.require(caller, 'backup', '/')
      const { notes } = this.#options
      const schedule = this.#options.schedule()
      return {
        ...(notes.last === undefined ? {} : { last_backup: notes.last }),
        ...(notes.scheduled === undefined ? {} : { last_scheduled: notes.scheduled }),
        ...(schedule === undefined ? {} : { schedule }),
      }
    })
  }

  #note(job: RunningBackup, where: BackupInfo['where']): Promise<void> {
    return note(this.#core, this.#options, job, where)
  }
}

/** A backup that the daemon makes by itself. */
export class ScheduledBackup {
  readonly header: BackupHeader
  readonly #core: Core
  readonly #options: BackupOptions
  readonly #job: RunningBackup
  readonly #closed: () => void
  #ended: SecregError | undefined

  constructor(core: Core, options: BackupOptions, job: RunningBackup, closed: () => void) {
    this.header = job.header
    this.#core = core
    this.#options = options
    this.#job = job
    this.#closed = closed
  }

  /** The next bytes of the file; `undefined` at its end. */
  async next(): Promise<Uint8Array | undefined> {
    if (this.#ended !== undefined) throw this.#ended
    const piece = await this.#job.next()
    if (this.#ended !== undefined) throw this.#ended
    return piece
  }

  /**
   * Read the whole file back under its key.
   *
   * @throws SecregError `ERR_BACKUP_DAMAGED`, `ERR_BACKUP_TRUNCATED`, `ERR_SEALED`; errors of the source
   */
  async verify(source: ByteSource): Promise<BackupReport> {
    try {
      const report = await verifyBackup(await open(this.#core, source))
      if (report.id === this.header.id) return report
    } catch (cause) {
      throw backupFailure(cause) ?? cause
    }
    throw new SecregError('BACKUP_DAMAGED', 'another backup was read back than was written')
  }

  /** Note that the file is complete and in its place. */
  done(): Promise<void> {
    return note(this.#core, this.#options, this.#job, 'scheduled')
  }

  /** Wipe the keys; idempotent. */
  async close(
    why: SecregError = new SecregError('SHUTTING_DOWN', 'the backup was ended'),
  ): Promise<void> {
    this.#ended ??= why
    this.#closed()
    await this.#job.close()
  }
}

async function open({ keys }: Core, source: ByteSource) {
  const key = keys.backupKey()
  try {
    return await openBackupWithKey(source, key, { backend: nodeBackend })
  } finally {
    wipe(key)
  }
}

/** A backup is no worse because it could not be noted. */
async function note(
  core: Core,
  { notes, onFault }: BackupOptions,
  { header: { id, revision }, bytes }: RunningBackup,
  where: BackupInfo['where'],
): Promise<void> {
  try {
    await notes.note(core, { at: core.now(), id, revision, bytes, where })
  } catch (fault) {
    onFault?.(fault)
  }
}

function detailOf({ header: { id, revision } }: RunningBackup, what?: string): string {
  return `${what === undefined ? '' : `${what} `}${id} revision ${revision}`
}
