/** What a configuration file says, checked; a name is the name in the file in camel case, with its unit. */
import type {
  ConfigKv2,
  ConfigPdp,
  ConfigSecrets,
  ConfigSecretsKeys,
} from './config-secrets-values.ts'

/** Least log level that is written. */
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'

/** Facility of the messages to syslog (RFC 5424 §6.2.1). */
export type SyslogFacility =
  | 'auth'
  | 'authpriv'
  | 'daemon'
  | `local${0 | 1 | 2 | 3 | 4 | 5 | 6 | 7}`

/** How the daemon authenticates itself to a Kafka broker. */
export type SaslMechanism = 'plain' | 'scram-sha-256' | 'scram-sha-512'

/** One zone of the file; all is off unless it is switched on. */
export interface ConfigZone {
  /** One line for people, at most 1024 characters; empty where there is none. */
  readonly description: string
  readonly allowPasswd: boolean
  readonly allowTokens: boolean
  readonly allowPasswdAuth: boolean
  /** 0 is no temporary tokens. */
  readonly maxTempValiditySeconds: number
  readonly autoCreate: boolean
  /** Uids, as given. */
  readonly trustedUids: readonly number[]
  readonly http: boolean
}

/** Checked values of a configuration file. */
export interface Config extends Omit<ConfigSections, 'secrets' | `secrets.${string}`> {
  readonly secrets: ConfigSecrets
  /** The zones of the file by their names. */
  readonly zones: ReadonlyMap<string, ConfigZone>
}

/** The sections whose keys have one place each, by their names in the file. */
export interface ConfigSections {
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
    /** Size from which the next segment is due. */
    readonly segmentBytes: number
    readonly checkpointIntervalSeconds: number
    /** Subtrees whose written values are named by a keyed hash, canonical prefixes. */
    readonly valueHashPrefixes: readonly string[]
    /** Undefined: no syslog. */
    readonly syslog: string | undefined
    readonly syslogFacility: SyslogFacility
    readonly syslogCaFile: string | undefined
    /** Room on its file system below which it is told, logins are refused, everything is refused; 0 is off. */
    readonly freeWarningBytes: number
    readonly freeLowBytes: number
    readonly freeLeastBytes: number
  }
  readonly kafka: {
    /** Empty: no Kafka. */
    readonly brokers: readonly string[]
    readonly topicPrefix: string
    readonly clientId: string
    readonly tls: boolean
    readonly caFile: string | undefined
    /** Undefined: no authentication. */
    readonly saslMechanism: SaslMechanism | undefined
    readonly username: string | undefined
    readonly passwordFile: string | undefined
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
  readonly gateway: {
    /** Undefined serves none. */
    readonly socket: string | undefined
    /** Name or number; undefined lets only the user of the daemon in. */
    readonly group: string | undefined
    /** Name or number of the user that the gateway runs as. */
    readonly user: string | undefined
    /** Life of a session that a gateway opened. */
    readonly sessionSeconds: number
    /** `PRINCIPAL=LOGIN` each. */
    readonly mayAssert: readonly string[]
    readonly supervise: boolean
  }
  readonly http: {
    /** `HOST:PORT`; undefined serves no HTTP. */
    readonly listen: string | undefined
    /** 0 = one for each core, at most 8. */
    readonly workers: number
    readonly tlsCert: string | undefined
    readonly tlsKey: string | undefined
    readonly tlsClientCa: string | undefined
    readonly tlsClientRequired: boolean
    /** Names that requests may call it by, in lower case. */
    readonly hostNames: readonly string[]
    /** Origin, `https://HOST[:PORT]`; undefined is whatever a request was sent to. */
    readonly publicUrl: string | undefined
    /** Addresses and ranges. */
    readonly certificateProxies: readonly string[]
    /** Name of a header. */
    readonly certificateHeader: string
    readonly maxConnections: number
    readonly maxHeaderBytes: number
    readonly maxBodyBytes: number
    readonly headerTimeoutSeconds: number
    readonly bodyTimeoutSeconds: number
    readonly idleTimeoutSeconds: number
    readonly drainSeconds: number
    readonly bufferBytes: number
    /** Socket of tailscaled; undefined asks nobody. */
    readonly tailscaleWhois: string | undefined
    readonly tailscaleServe: boolean
  }
  readonly subauth: {
    /** Undefined serves none. */
    readonly socket: string | undefined
    /** Permission bits. */
    readonly mode: number
    readonly maxRequestBytes: number
    readonly maxReplyBytes: number
    readonly maxConnections: number
    readonly backlog: number
    /** Least time of a refusal; 0 is off. */
    readonly failureDelayMs: number
    readonly idleTimeoutSeconds: number
    /** Undefined asks the user database of the system. */
    readonly usersFile: string | undefined
  }
  readonly libvirt: {
    /** Undefined serves none. */
    readonly socket: string | undefined
    readonly socketReadOnly: string | undefined
    /** Permission bits. */
    readonly mode: number
    readonly modeReadOnly: number
    /** Name or number; undefined leaves both to the group of the daemon. */
    readonly group: string | undefined
    /** Whether they leave for those with the right; else for nobody. */
    readonly privateValues: boolean
    /** To both sockets. */
    readonly maxConnections: number
    /** Of one user of the system, not yet opened. */
    readonly maxUnopened: number
    readonly backlog: number
    readonly openTimeoutSeconds: number
    /** 0 = never asked. */
    readonly keepaliveIntervalSeconds: number
    readonly keepaliveCount: number
  }
  readonly secrets: ConfigSecretsKeys
  readonly 'secrets.openbao': ConfigKv2
  readonly 'secrets.hashicorp': ConfigKv2
  readonly 'secrets.pdp': ConfigPdp
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
  readonly metrics: {
    /** Path of a socket, or `127.0.0.1:PORT` or `[::1]:PORT`; undefined serves no figures. */
    readonly listen: string | undefined
  }
}
