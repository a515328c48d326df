/**
 * Log of a process: JSON lines on standard error by pino. Redaction is by construction: an event is a fixed word, and
 * only the fields listed here are written, each checked against its type. Messages of errors are left out unless the
 * caller vouches for them, because those of the platform quote their input (JSON.parse does).
 */
import { type Logger as Pino, pino } from 'pino'
import type { LogLevel } from './config-values.ts'
import { HostError } from './errors.ts'

/** Fields that a line may carry. None of them is meant for a value, a token or a password. */
export interface LogFields {
  /** Path of a file or socket of the machine, never of an entry. */
  readonly file?: string
  /** Door of the request: registry, http, … */
  readonly door?: string
  readonly signal?: string
  readonly version?: string
  /** Stable code or reason. */
  readonly code?: string
  /** Id that ties lines to audit records. */
  readonly correlationId?: string
  /** Words that the program itself made. */
  readonly detail?: string
  readonly uid?: number
  readonly gid?: number
  readonly pid?: number
  readonly connection?: number
  readonly line?: number
  readonly count?: number
  readonly bytes?: number
  readonly durationMs?: number
  readonly sequence?: number
  readonly revision?: number
  readonly ok?: boolean
  /** Its name, code and stack places are written; its message only as {@link LoggerOptions.messageOf} says. */
  readonly error?: unknown
}

/** Log of a process. `event` is a fixed word such as `listening`; it never holds data. */
export interface Logger {
  fatal(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  debug(event: string, fields?: LogFields): void
  trace(event: string, fields?: LogFields): void
  /** Least level that is written; may be changed at a reload. */
  level: LogLevel
  /** Write what is buffered. */
  flush(): void
}

/** Where lines go; each is one JSON text with its line end. */
export interface LogDestination {
  write(line: string): unknown
  flushSync?(): void
}

/** Options of {@link createLogger}. */
export interface LoggerOptions {
  /** Default `info`. */
  readonly level?: LogLevel
  /** Name of the program, in each line. */
  readonly name: string
  /** Default: standard error, buffered up to 1 MiB; a reader that stands still loses lines, it never stops the process. */
  readonly destination?: LogDestination
  /** Message of an error that is known to quote no input; undefined leaves it out. Errors of this package are known. */
  readonly messageOf?: (error: unknown) => string | undefined
}

const STRINGS = ['file', 'door', 'signal', 'version', 'code', 'correlationId', 'detail'] as const
const NUMBERS = [
  'uid',
  'gid',
  'pid',
  'connection',
  'line',
  'count',
  'bytes',
  'durationMs',
  'sequence',
  'revision',
] as const
const MAX_TEXT = 512
const MAX_BUFFER_BYTES = 1024 * 1024
const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const

/**
 * Create the log of a process.
 *
 * @example
 * ```ts
 * const log = createLogger({ name: 'secregd' })
 * log.info('listening', { file: '/run/secreg/socket' })
 * // {"level":"info","time":"2026-01-01T00:00:00.000Z","name":"secregd","pid":7,"event":"listening","file":"/run/secreg/socket"}
 * ```
 */
export function createLogger(options: LoggerOptions): Logger {
  const destination =
    options.destination ??
    pino.destination({ dest: 2, sync: false, minLength: 0, maxLength: MAX_BUFFER_BYTES })
  const sink: Pino = pino(
    {
      level: options.level ?? 'info',
      base: { name: options.name, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: 'event',
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  )
  const messageOf = options.messageOf ?? (() => undefined)
  const writer =
    (level: LogLevel) =>
    (event: string, fields: LogFields = {}): void => {
      if (sink.isLevelEnabled(level)) sink[level](pick(fields, messageOf), event)
    }
  const [fatal, error, warn, info, debug, trace] = LEVELS.map(writer) as [
    Logger['fatal'],
    Logger['error'],
    Logger['warn'],
    Logger['info'],
    Logger['debug'],
    Logger['trace'],
  ]
  return {
    fatal,
    error,
    warn,
    info,
    debug,
    trace,
    get level(): LogLevel {
      return sink.level as LogLevel
    },
    set level(level: LogLevel) {
      sink.level = level
    },
    flush: () => {
      // A destination that is not open yet has nothing to flush and says so by throwing.
      try {
        destination.flushSync?.()
      } catch {}
    },
  }
}

function pick(
  fields: LogFields,
  messageOf: (error: unknown) => string | undefined,
): Record<string, unknown> {
  const line: Record<string, unknown> = {}
  for (const name of STRINGS) {
    const value = fields[name]
    if (typeof value === 'string') line[name] = value.slice(0, MAX_TEXT)
  }
  for (const name of NUMBERS) {
    const value = fields[name]
    if (typeof value === 'number') line[name] = value
  }
  if (typeof fields.ok === 'boolean') line['ok'] = fields.ok
  if (fields.error !== undefined) line['error'] = describeError(fields.error, messageOf)
  return line
}

function describeError(
  error: unknown,
  messageOf: (error: unknown) => string | undefined,
): Record<string, unknown> {
  if (!(error instanceof Error)) return { name: typeof error }
  const { code, syscall, errno } = error as NodeJS.ErrnoException
  const message = HostError.is(error) ? error.message : messageOf(error)
  return {
    name: error.name,
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof syscall === 'string' ? { syscall } : {}),
    ...(typeof errno === 'number' ? { errno } : {}),
    ...(message === undefined ? {} : { message: message.slice(0, MAX_TEXT) }),
    ...(error.stack === undefined ? {} : { stack: placesOf(error.stack) }),
  }
}

/** The lines of a stack that name places; the head repeats the message, and the message may span lines. */
function placesOf(stack: string): string[] {
  return stack
    .split('\n')
    .filter((line) => /^\s+at .+:\d+:\d+\)?$/.test(line))
    .map((line) => line.trim())
    .slice(0, 20)
}
