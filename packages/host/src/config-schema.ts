/**
 * Every key of the configuration file in one table: name, type, default, unit and meaning. Names and defaults of the
 * twelve documented keys are those of SecReg-Linux `config.toml`; the others are ours.
 */
import { GATEWAY_ROWS, HTTP_ROWS } from './config-http.ts'
import { LIBVIRT_ROWS } from './config-libvirt.ts'
import type { NamedTables } from './config-named-tables.ts'
import {
  BROKERS,
  type ConfigKey,
  type ConfigRow,
  CREDENTIAL,
  flag,
  GROUP,
  integer,
  keyOf,
  MODE,
  oneOf,
  optional,
  PATH,
  paths,
  SERVICE,
  SOCKET_PATH,
  SYSLOG,
  TOPIC,
  text,
  USERNAME,
} from './config-row.ts'
import {
  HASHICORP_ROWS,
  ISSUER_TABLES,
  OPENBAO_ROWS,
  PDP_ROWS,
  SECRETS_ROWS,
  TENANT_TABLES,
} from './config-secrets.ts'
import { SUBAUTH_ROWS } from './config-subauth.ts'
import type { ConfigSections } from './config-values.ts'
import { ZONE_TABLES } from './config-zones.ts'
import { METRICS_ADDRESS } from './metrics-address.ts'

type Rows = {
  readonly [S in keyof ConfigSections]: {
    readonly [F in keyof ConfigSections[S]]-?: ConfigRow<ConfigSections[S][F]>
  }
}

const KIB = 1024
const TIB = KIB ** 4
const DAY = 86_400
const YEAR = 365 * DAY

/** The checks of all keys by their sections, in the shape of {@link ConfigSections}. A key without a check does not compile. */
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
    encryptPrefixes: paths(
      'security.encrypt_prefixes',
      'Subtrees where every value is encrypted, whatever the request says',
    ),
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
    segmentBytes: integer(
      'audit.segment_size',
      [64 * KIB * KIB, 64 * KIB, KIB ** 3],
      'bytes',
      'Size of a segment of the log at which the next one begins and this one is compressed',
    ),
    checkpointIntervalSeconds: integer(
      'audit.checkpoint_interval',
      [300, 1, DAY],
      'seconds',
      'Age of the last signed checkpoint at which the next one is made, if there are new records',
    ),
    valueHashPrefixes: paths(
      'audit.value_hash_prefixes',
      'Subtrees where the record of a write names the value by a keyed hash',
    ),
    syslog: text(
      'audit.syslog',
      undefined,
      optional(SYSLOG, false),
      'Where records are sent to beside the log',
    ),
    syslogFacility: text(
      'audit.syslog_facility',
      'authpriv',
      oneOf(
        ...(['auth', 'authpriv', 'daemon', 'local0', 'local1', 'local2'] as const),
        ...(['local3', 'local4', 'local5', 'local6', 'local7'] as const),
      ),
      'Facility of the messages to syslog',
    ),
    syslogCaFile: text(
      'audit.syslog_ca_file',
      undefined,
      optional(PATH, false),
      'Certificates that the server of tls:// is checked against, instead of those of the system',
    ),
    freeWarningBytes: integer(
      'audit.free_warning',
      [256 * KIB * KIB, 0, TIB],
      'bytes',
      'Room on the file system of the log below which operators are warned; 0 is off',
    ),
    freeLowBytes: integer(
      'audit.free_low',
      [64 * KIB * KIB, 0, TIB],
      'bytes',
      'Room there below which requests without a session are refused, except unlocking; 0 is off',
    ),
    freeLeastBytes: integer(
      'audit.free_least',
      [8 * KIB * KIB, 0, TIB],
      'bytes',
      'Room there below which everything is refused but status and figures; 0 is off',
    ),
  },
  kafka: {
    brokers: BROKERS,
    topicPrefix: text(
      'kafka.topic_prefix',
      'crud',
      TOPIC,
      'First part of the topics: PREFIX.secrets and PREFIX.secrets.audit',
    ),
    clientId: text('kafka.client_id', 'secregd', TOPIC, 'Name of the daemon to the brokers'),
    tls: flag('kafka.tls', true, 'Encrypt the connections to the brokers, and check who they are'),
    caFile: text(
      'kafka.ca_file',
      undefined,
      optional(PATH, false),
      'Certificates that the brokers are checked against, instead of those of the system',
    ),
    saslMechanism: text(
      'kafka.sasl_mechanism',
      undefined,
      optional(oneOf('plain', 'scram-sha-256', 'scram-sha-512'), false),
      'How the daemon authenticates itself to the brokers',
    ),
    username: text(
      'kafka.username',
      undefined,
      optional(USERNAME, false),
      'Name under which it does',
    ),
    passwordFile: text(
      'kafka.password_file',
      undefined,
      optional(PATH, true),
      'File with the password, of this user alone',
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
      'Connections of one user of the system to a socket; on that of subauth, root is not counted',
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
  gateway: GATEWAY_ROWS,
  http: HTTP_ROWS,
  subauth: SUBAUTH_ROWS,
  libvirt: LIBVIRT_ROWS,
  secrets: SECRETS_ROWS,
  'secrets.openbao': OPENBAO_ROWS,
  'secrets.hashicorp': HASHICORP_ROWS,
  'secrets.pdp': PDP_ROWS,
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
  metrics: {
    listen: text(
      'metrics.listen',
      undefined,
      optional(METRICS_ADDRESS, false),
      'Where the figures are served in the text format of Prometheus',
    ),
  },
})

/** Every key of the file that has one place, in the order of the table. */
export const CONFIG_KEYS: readonly ConfigKey[] = Object.freeze(
  Object.values(CONFIG_ROWS).flatMap((section) =>
    Object.values(section as Readonly<Record<string, ConfigRow<unknown>>>).map(keyOf),
  ),
)

/** Everything in the file that has names of the user's own. */
export const NAMED_TABLES: readonly NamedTables[] = Object.freeze([
  TENANT_TABLES,
  ISSUER_TABLES,
  ZONE_TABLES,
])
