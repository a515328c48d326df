/**
 * Every key of the configuration file in one table: name, type, default, unit and meaning. Names and defaults of the
 * twelve documented keys are those of SecReg-Linux `config.toml`; the others are ours.
 * A name in {@link Config} is the name in the file in camel case, with its unit.
 */
import { z } from 'zod'
import {
  type ConfigKey,
  type ConfigRow,
  CREDENTIAL,
  flag,
  GROUP,
  integer,
  MODE,
  oneOf,
  optional,
  PATH,
  SERVICE,
  SOCKET_PATH,
  text,
} from './config-row.ts'

/** Least log level that is written. */
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'

/** Checked values of a configuration file. */
export interface Config {
  readonly database: { readonly path: string; readonly cacheSizeBytes: number }
  readonly socket: {
    readonly path: string
    readonly backlog: number
    readonly framing: 'auto' | 'length'
    /** Permission bits, for example 0o660. */
    readonly mode: number
    /** Name or number of the group that owns the socket; undefined is the group of the process. */
    readonly group: string | undefined
  }
  readonly session: {
    readonly timeoutSeconds: number
    readonly absoluteTimeoutSeconds: number
    readonly maxPerUser: number
  }
  readonly security: {
    readonly requireMfa: boolean
    readonly rateLimitAttempts: number
    readonly rateLimitWindowSeconds: number
    readonly lockoutSeconds: number
    readonly maxClockSkewSeconds: number
    readonly sealedReads: boolean
    readonly lockOnTampering: boolean
    readonly encryptPrefixes: readonly string[]
    /** Binary logarithm of scrypt's N. */
    readonly scryptLogN: number
  }
  readonly audit: {
    readonly path: string
    readonly retentionDays: number
    readonly asyncWrite: boolean
  }
  readonly backup: {
    /** Undefined makes none by itself. */
    readonly directory: string | undefined
    readonly intervalSeconds: number
    readonly keep: number
    readonly keepDays: number
  }
  readonly limits: {
    readonly maxConnections: number
    readonly maxConnectionsPerUid: number
    readonly readTimeoutSeconds: number
    readonly authTimeoutSeconds: number
    readonly bufferBytes: number
  }
  readonly unlock: {
    readonly keyFile: string | undefined
    readonly systemdCredential: string | undefined
  }
  readonly pam: {
    /** Undefined: no account is one of the system. */
    readonly helper: string | undefined
    readonly timeoutSeconds: number
    readonly service: string
    readonly maxRunning: number
  }
  readonly log: { readonly level: LogLevel }
}

type Rows = {
  readonly [S in keyof Config]: {
    readonly [F in keyof Config[S]]-?: ConfigRow<Config[S][F]>
  }
}

const KIB = 1024
const TIB = KIB ** 4
const DAY = 86_400
const YEAR = 365 * DAY

const encryptPrefixes: ConfigRow<readonly string[]> = {
  name: 'security.encrypt_prefixes',
  type: 'list of strings',
  unit: '',
  fallback: [],
  shown: '[]',
  schema: z.array(z.string().startsWith('/').max(512)).readonly(),
  expected: 'a list of paths that begin with "/"',
  description: 'Subtrees where every value is encrypted, whatever the request says',
  sensitive: false,
}

/** The checks of all keys, in the shape of {@link Config}. A key without a check does not compile. */
export const CONFIG_ROWS: Rows = Object.freeze({
  database: {
    path: text('database.path', '/var/lib/secreg', PATH, 'Directory of the store'),
    cacheSizeBytes: integer(
      'database.cache_size',
      [64 * KIB * KIB, KIB * KIB, TIB],
      'bytes',
      "Size of the store's block cache",
    ),
  },
  socket: {
    path: text('socket.path', '/run/secreg/socket', SOCKET_PATH, 'Unix socket of the registry'),
    backlog: integer(
      'socket.backlog',
      [128, 1, 65_535],
      '',
      'Connections that wait to be accepted',
    ),
    framing: text(
      'socket.framing',
      'auto',
      oneOf('auto', 'length'),
      'Framings accepted from clients: all three, or the one with the outer length',
    ),
    mode: text('socket.mode', 0o660, MODE, 'Permission bits of the socket, from its first moment'),
    group: text(
      'socket.group',
      undefined,
      optional(GROUP, false),
      'Group that owns the socket, from its first moment',
    ),
  },
  session: {
    timeoutSeconds: integer(
      'session.timeout',
      [3600, 1, YEAR],
      'seconds',
      'Idle time after which a session ends; each use starts it anew',
    ),
    absoluteTimeoutSeconds: integer(
      'session.absolute_timeout',
      [DAY, 1, YEAR],
      'seconds',
      'Age at which a session ends, used or not',
    ),
    maxPerUser: integer(
      'session.max_per_user',
      [5, 1, 10_000],
      '',
      'Sessions of one account; the next one ends the least recently used',
    ),
  },
  security: {
    requireMfa: flag(
      'security.require_mfa',
      false,
      'Demand a second factor; who has none can only set one up',
    ),
    rateLimitAttempts: integer(
      'security.rate_limit_attempts',
      [5, 1, 10_000],
      '',
      'Failed logins of one account from one source that lock it',
    ),
    rateLimitWindowSeconds: integer(
      'security.rate_limit_window',
      [300, 1, DAY],
      'seconds',
      'Time within which failed logins are counted',
    ),
    lockoutSeconds: integer('security.lockout', [300, 1, DAY], 'seconds', 'Length of a lock-out'),
    maxClockSkewSeconds: integer(
      'security.max_clock_skew',
      [0, 0, DAY],
      'seconds',
      "Largest difference of a request's timestamp from the clock; 0 does not look at it",
    ),
    sealedReads: flag('security.sealed_reads', true, 'Serve plain values while sealed'),
    lockOnTampering: flag(
      'security.lock_on_tampering',
      true,
      'Lock the registry when somebody has put older rows of the store back, removed or inserted some',
    ),
    encryptPrefixes,
    scryptLogN: integer(
      'security.scrypt_log_n',
      [17, 15, 20],
      '',
      "Cost of hashing a password: binary logarithm of scrypt's N",
    ),
  },
  audit: {
    path: text('audit.path', '/var/log/secreg', PATH, 'Directory of the audit log'),
    retentionDays: integer(
      'audit.retention_days',
      [90, 1, 365],
      'days',
      'Age at which a closed segment of the log is removed',
    ),
    asyncWrite: flag(
      'audit.async_write',
      true,
      'Answer a read once its record is written, before it is synced to the disk',
    ),
  },
  backup: {
    directory: text(
      'backup.directory',
      undefined,
      optional(PATH, false),
      'Directory for scheduled backups, of this user alone; made if it is missing',
    ),
    intervalSeconds: integer(
      'backup.interval',
      [DAY, 1, YEAR],
      'seconds',
      'Age of the last scheduled backup at which the next one is made',
    ),
    keep: integer('backup.keep', [7, 1, 10_000], '', 'Scheduled backups that are kept'),
    keepDays: integer(
      'backup.keep_days',
      [0, 0, 36_500],
      'days',
      'Age at which a scheduled backup is removed, except the last; 0 goes by their number alone',
    ),
  },
  limits: {
    maxConnections: integer('limits.max_connections', [1000, 1, 100_000], '', 'Connections in all'),
    maxConnectionsPerUid: integer(
      'limits.max_connections_per_uid',
      [64, 1, 100_000],
      '',
      'Connections of one user of the system',
    ),
    readTimeoutSeconds: integer(
      'limits.read_timeout',
      [10, 1, 3600],
      'seconds',
      'Time within which a frame that has begun must be complete',
    ),
    authTimeoutSeconds: integer(
      'limits.auth_timeout',
      [30, 1, 3600],
      'seconds',
      'Time within which a new connection must log in',
    ),
    bufferBytes: integer(
      'limits.buffer_bytes',
      [256 * KIB * KIB, 16 * KIB * KIB, TIB],
      'bytes',
      'Memory for read and write buffers of all connections together',
    ),
  },
  unlock: {
    keyFile: text(
      'unlock.key_file',
      undefined,
      optional(PATH, true),
      'File whose content unlocks the store at start',
    ),
    systemdCredential: text(
      'unlock.systemd_credential',
      undefined,
      optional(CREDENTIAL, true),
      'Name of the systemd credential that unlocks the store at start',
    ),
  },
  pam: {
    helper: text(
      'pam.helper',
      undefined,
      optional(PATH, false),
      'Program that is asked whether a password is that of a user of the system',
    ),
    timeoutSeconds: integer(
      'pam.timeout',
      [10, 1, 300],
      'seconds',
      'Time after which a helper that does not answer is killed',
    ),
    service: text('pam.service', 'secreg', SERVICE, 'PAM service that the helper is told'),
    maxRunning: integer(
      'pam.max_running',
      [4, 1, 64],
      '',
      'Helpers at once; a login that needs one more is told to try again',
    ),
  },
  log: {
    level: text(
      'log.level',
      'info',
      oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace'),
      'Least level that is written to standard error',
    ),
  },
})

/** Every key of the file in the order of the table. */
export const CONFIG_KEYS: readonly ConfigKey[] = Object.freeze(
  Object.values(CONFIG_ROWS).flatMap((section) =>
    Object.values(section as Readonly<Record<string, ConfigRow<unknown>>>).map((row) =>
      Object.freeze({
        name: row.name,
        type: row.type,
        default: row.shown,
        unit: row.unit,
        expected: row.expected,
        description: row.description,
      }),
    ),
  ),
)
