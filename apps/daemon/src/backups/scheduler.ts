/** Backups that the daemon makes by itself, as the configuration says, and the removal of old ones. */
import { join } from 'node:path'
import type { Config, Logger } from '@secreg/host'
import { type BackupSchedule, SecregError } from '@secreg/protocol'
import type { Registry, ScheduledBackup } from '@secreg/registry'
import { BackupDirectory, type BackupFile } from './backup-directory.ts'
import { dueMs, expired } from './retention.ts'

/** How often it is looked whether one is due, milliseconds. */
const TICK_MS = 1000
/** How often the directory is read for it, milliseconds: others may change it. */
const LIST_EVERY_MS = 60_000
/** After a failure it is tried again after so long, then twice that, and so on up to the other, milliseconds. */
const RETRY_MS = Object.freeze({ first: 30_000, last: 3_600_000 })

type Settings = Config['backup']

export interface BackupSchedulerOptions {
  /** The registry as it is now; an initialisation replaces it. */
  readonly registry: () => Registry
  readonly settings: Settings
  readonly log: Logger
  /** Milliseconds since the epoch; default `Date.now`. */
  readonly now?: () => number
  /** Monotonic milliseconds; default `performance.now`. */
  readonly monotonicMs?: () => number
  /** Default 1000. */
  readonly tickMs?: number
}

export class BackupScheduler {
  readonly #registry: () => Registry
  readonly #log: Logger
  readonly #now: () => number
  readonly #monotonicMs: () => number
  readonly #timer: NodeJS.Timeout
  #settings: Settings
  #directory: BackupDirectory | undefined
  /** What is known to be there, and since when, monotonic; unknown after a change of the settings. */
  #files: readonly BackupFile[] | undefined
  #listedAt = 0
  #listedOpen = false
  /** Registry whose leftovers were removed, and to whose key the files were found to belong. */
  #cleaned: Registry | undefined
  #own: ReadonlyMap<string, boolean> = new Map()
  /** Monotonic time of the last one that this process has made. */
  #madeAt: number | undefined
  #failing: string | undefined
  #failures = 0
  #retryAt = 0
  #running: Promise<void> | undefined
  #stopped = false

  constructor(options: BackupSchedulerOptions) {
    this.#registry = options.registry
    this.#log = options.log
    this.#now = options.now ?? Date.now
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now())
    this.#settings = options.settings
    this.#directory = directoryOf(options.settings)
    this.#timer = setInterval(() => this.tick(), options.tickMs ?? TICK_MS)
    this.#timer.unref()
  }

  /** Go on by other settings. */
  configure(settings: Settings): void {
    if (settings.directory !== this.#settings.directory) {
      this.#directory = directoryOf(settings)
      this.#files = undefined
      this.#cleaned = undefined
      this.#own = new Map()
      this.#madeAt = undefined
      this.#failing = undefined
    }
    this.#settings = settings
    this.#failures = 0
    this.#retryAt = 0
  }

  /** What it does, as operators are told; `undefined` when it is off. */
  get schedule(): BackupSchedule | undefined {
    const { directory, intervalSeconds } = this.#settings
    if (directory === undefined) return undefined
    return {
      directory,
      interval_s: intervalSeconds,
      files: this.#files?.length ?? 0,
      next_at: dueMs(this.#files ?? [], this.#now(), intervalSeconds * 1000),
      ...(this.#failing === undefined ? {} : { failing: this.#failing }),
    }
  }

  /** Make one if it is due and none is being made. */
  tick(): void {
    if (this.#stopped || this.#directory === undefined || this.#running !== undefined) return
    if (this.#monotonicMs() < this.#retryAt) return
    this.#running = this.#round(this.#directory).finally(() => {
      this.#running = undefined
    })
  }

  /** Wait for what {@link tick} has begun; for who has the time in his own hands. */
  async settle(): Promise<void> {
    await this.#running
  }

  /** Make no more; one that is being made ends, and leaves nothing. */
  async close(): Promise<void> {
    this.#stopped = true
    clearInterval(this.#timer)
    await this.#running
  }

  async #round(directory: BackupDirectory): Promise<void> {
    const registry = this.#registry()
    if (registry.state === 'uninitialized') return
    try {
      if (!(await this.#isDue(directory, registry))) {
        this.#works()
        return
      }
      if (registry.state !== 'unsealed') {
        this.#fail('the registry is sealed')
        return
      }
      await this.#make(directory, registry)
      this.#works()
    } catch (error) {
      // What ends because everything ends, or because other settings hold by now, is no failure.
      if (this.#stopped || directory !== this.#directory) return
      if (SecregError.is(error) && error.reason === 'SHUTTING_DOWN') return
      if (SecregError.is(error) && error.reason === 'SEALED') {
        this.#fail('the registry is sealed')
        return
      }
      this.#fail(wordsOf(error, directory.path))
      const { first, last } = RETRY_MS
      const pauseMs = Math.min(first * 2 ** this.#failures++, last)
      const intervalMs = this.#settings.intervalSeconds * 1000
      this.#retryAt = this.#monotonicMs() + Math.min(pauseMs, intervalMs)
    }
  }

  async #isDue(directory: BackupDirectory, registry: Registry): Promise<boolean> {
    const intervalMs = this.#settings.intervalSeconds * 1000
    const monotonic = this.#monotonicMs()
    const isNew = registry.state === 'unsealed' && !this.#listedOpen
    if (this.#files === undefined || isNew || monotonic - this.#listedAt >= LIST_EVERY_MS) {
      await this.#list(directory, registry)
    }
    // By either clock: the wall clock may be put back, and the other stands still while the machine sleeps.
    if (this.#madeAt !== undefined && monotonic - this.#madeAt >= intervalMs) return true
    const nowMs = this.#now()
    return dueMs(this.#files ?? [], nowMs, intervalMs) <= nowMs
  }

  async #list(directory: BackupDirectory, registry: Registry): Promise<void> {
    await directory.prepare()
    const isOpen = registry.state === 'unsealed'
    if (isOpen && this.#cleaned !== registry) {
      this.#own = new Map()
      const count = await directory.clean(registry.generation)
      if (count > 0) this.#log.info('unfinished backups removed', { count, file: directory.path })
      this.#cleaned = registry
    }
    const found = await directory.list()
    const files: BackupFile[] = []
    const own = new Map<string, boolean>()
    for (const file of found) {
      // While it is sealed, a file that has the name is taken for what the name says.
      const key = `${file.name} ${file.mark}`
      const isOwn =
        !isOpen || (this.#own.get(key) ?? (await isOwnBackup(directory, registry, file)))
      if (isOpen) own.set(key, isOwn)
      if (isOwn) files.push(file)
    }
    if (isOpen) this.#own = own
    if (directory !== this.#directory) return
    this.#files = files
    this.#listedAt = this.#monotonicMs()
    this.#listedOpen = isOpen
  }

  async #make(directory: BackupDirectory, registry: Registry): Promise<void> {
    await directory.prepare()
    const startedMs = this.#monotonicMs()
    const backup = await registry.backups.scheduled()
    let made: string
    try {
      made = await this.#write(directory, backup)
    } finally {
      await backup.close()
    }
    this.#madeAt = this.#monotonicMs()
    const { revision } = backup.header
    const durationMs = Math.round(this.#madeAt - startedMs)
    this.#log.info('backup made', { file: join(directory.path, made), revision, durationMs })
    await this.#list(directory, registry)
    await this.#prune(directory, registry, made)
  }

  /** It has its name once it has been read back, and not before. */
  async #write(directory: BackupDirectory, backup: ScheduledBackup): Promise<string> {
    const written = await directory.write(backup.header, () => {
      if (this.#stopped) throw new SecregError('SHUTTING_DOWN', 'the daemon is stopping')
      return backup.next()
    })
    try {
      await backup.verify(directory.read(written))
      const made = await directory.place(written, backup.header)
      await backup.done()
      return made
    } catch (error) {
      await directory.remove(written)
      throw error
    }
  }

  async #prune(directory: BackupDirectory, registry: Registry, made: string): Promise<void> {
    const { keep, keepDays } = this.#settings
    const rules = { keep, keepDays, nowMs: registry.believedMs }
    const old = expired(this.#files ?? [], made, rules)
    if (old.length === 0) return
    try {
      for (const name of old) await directory.remove(name)
      this.#log.info('old backups removed', { count: old.length, file: directory.path })
    } catch (error) {
      // The new one is no worse for that.
      this.#log.warn('old backups cannot be removed', { detail: wordsOf(error, directory.path) })
    }
    await this.#list(directory, registry)
  }

  #fail(why: string): void {
    if (this.#failing === why) return
    this.#failing = why
    this.#log.error('scheduled backups fail', { detail: why })
  }

  #works(): void {
    this.#failures = 0
    this.#retryAt = 0
    if (this.#failing === undefined) return
    this.#failing = undefined
    this.#log.info('scheduled backups work again')
  }
}

/** Whether a file is a backup that this registry has made: another one may keep its own there. */
async function isOwnBackup(
  directory: BackupDirectory,
  registry: Registry,
  { name }: BackupFile,
): Promise<boolean> {
  return (await registry.backups.ownHeader(directory.read(name))) !== undefined
}

function directoryOf({ directory }: Settings): BackupDirectory | undefined {
  return directory === undefined ? undefined : new BackupDirectory(directory)
}

/** Our own messages name no secret; of the platform's only the code is told. */
function wordsOf(error: unknown, path: string): string {
  if (SecregError.is(error)) return error.message
  const { code } = error as NodeJS.ErrnoException
  return `${path} cannot be used (${code ?? 'unknown'})`
}
