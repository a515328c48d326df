/**
 * Room on the file systems of audit log and store. A registry that cannot record must not work (DESIGN §8): first it
 * is told, then strangers are refused, then everybody; {@link Admission} refuses by the level that is known here.
 */
import { statfs } from 'node:fs/promises'
import type { Config, Logger } from '@secreg/host'

/** Levels of the room on the disk of the log, from plenty to none. */
export const ROOM_LEVELS: readonly ['ok', 'warning', 'low', 'least'] = Object.freeze([
  'ok',
  'warning',
  'low',
  'least',
] as const)

/** `warning`: it is told; `low`: nothing without a session; `least`: nothing. */
export type RoomLevel = (typeof ROOM_LEVELS)[number]

/** Room for this user, bytes; undefined where it cannot be found out. */
export interface Room {
  readonly level: RoomLevel
  readonly auditBytes: number | undefined
  readonly storeBytes: number | undefined
}

type Settings = Pick<Config, 'audit' | 'database'>

/** Facts of the file system that a path is on, as of statfs(2). */
export type StatFs = (path: string) => Promise<{ readonly bavail: number; readonly bsize: number }>

export interface DiskSpaceOptions {
  readonly settings: Settings
  readonly log: Logger
  /** Called after each look. */
  readonly looked?: () => void
  /** Default that of the platform. */
  readonly statfs?: StatFs
  /** Time between two looks, milliseconds; default 1000. */
  readonly everyMs?: number
}

const EVERY_MS = 1000
const MIB = 1024 * 1024

const MEANINGS: Readonly<Record<Exclude<RoomLevel, 'ok'>, string>> = {
  warning: 'make room',
  low: 'logins are refused; make room',
  least: 'every operation is refused; make room',
}

export class DiskSpace {
  readonly #log: Logger
  readonly #looked: () => void
  readonly #statfs: StatFs
  readonly #timer: NodeJS.Timeout
  #settings: Settings
  #room: Room = { level: 'ok', auditBytes: undefined, storeBytes: undefined }
  #looking: Promise<void> | undefined
  #closed = false

  constructor(options: DiskSpaceOptions) {
    this.#settings = options.settings
    this.#log = options.log
    this.#looked = options.looked ?? (() => {})
    this.#statfs = options.statfs ?? ((path) => statfs(path))
    this.#timer = setInterval(() => void this.look(), options.everyMs ?? EVERY_MS)
    this.#timer.unref()
  }

  /** As it was at the last look. */
  get room(): Room {
    return this.#room
  }

  get level(): RoomLevel {
    return this.#room.level
  }

  /** What operators are told of the log's room; undefined while there is plenty. */
  get warning(): string | undefined {
    const { level, auditBytes } = this.#room
    return level === 'ok' ? undefined : warningOf(level, auditBytes ?? 0)
  }

  /** Go by other thresholds from the next look on. */
  configure(settings: Settings): void {
    this.#settings = settings
  }

  /** Look now; while a look is under way, wait for that. Never fails. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#timer)
  }

  async #look(): Promise<void> {
    const { audit, database } = this.#settings
    const [auditBytes, storeBytes] = await Promise.all([
      this.#free(audit.path),
      this.#free(database.path),
    ])
    if (this.#closed) return
    const before = this.#room.level
    // What cannot be found out shuts nothing: the log itself still takes no operation that it cannot record.
    const level = auditBytes === undefined ? 'ok' : levelOf(auditBytes, audit)
    this.#room = { level, auditBytes, storeBytes }
    if (level !== before) this.#tell(level)
    this.#looked()
  }

  async #free(path: string): Promise<number | undefined> {
    try {
      const { bavail, bsize } = await this.#statfs(path)
      return bavail * bsize
    } catch {
      return undefined
    }
  }

  #tell(level: RoomLevel): void {
    const { auditBytes: bytes = 0 } = this.#room
    if (level === 'ok') this.#log.info('the disk of the audit log has room again', { bytes })
    else {
      const how = level === 'warning' ? 'warn' : 'error'
      this.#log[how]('the disk of the audit log gets full', { bytes, detail: MEANINGS[level] })
    }
  }
}

/** Level of so much room; a threshold of 0 is off. */
export function levelOf(freeBytes: number, audit: Config['audit']): RoomLevel {
  if (freeBytes < audit.freeLeastBytes) return 'least'
  if (freeBytes < audit.freeLowBytes) return 'low'
  return freeBytes < audit.freeWarningBytes ? 'warning' : 'ok'
}

function warningOf(level: Exclude<RoomLevel, 'ok'>, bytes: number): string {
  return `the disk of the audit log has ${Math.floor(bytes / MIB)} MiB left: ${MEANINGS[level]}`
}
