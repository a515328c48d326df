import { chmodSync, chownSync, mkdirSync, symlinkSync, truncateSync } from 'node:fs'
import { CONFIG_KEYS, ConfigError, HostError, loadConfig, parseConfig } from '@secreg/host'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MAX_CONFIG_BYTES } from '../src/config.ts'
import { type Home, makeHome } from './home.ts'

/** Faults as `line: message`; an empty list when the text is accepted. */
function faultsOf(text: string | Uint8Array): string[] {
  try {
    parseConfig(text, 'f')
    return []
  } catch (error) {
    if (!ConfigError.is(error)) throw error
    return error.faults.map((fault) =>
      [fault.line, fault.column, ` ${fault.message}`]
        .filter((part) => part !== undefined)
        .join(':'),
    )
  }
}

const KV2 = {
  url: undefined,
  tokenFile: undefined,
  roleId: undefined,
  secretIdFile: undefined,
  namespace: undefined,
  caFile: undefined,
  verifyTls: true,
  timeoutSeconds: 30,
  poolSize: 10,
  maxConcurrent: 50,
  renewalThresholdSeconds: 600,
  redirectHosts: [],
}

describe('parseConfig', () => {
  it('weakness 63: gives the documented defaults for an empty file', () => {
    expect(parseConfig('', 'f').config).toEqual({
      database: { path: '/var/lib/secreg', cacheSizeBytes: 67_108_864 },
      socket: {
        path: '/run/secreg/socket',
        backlog: 128,
        framing: 'auto',
        mode: 0o660,
        group: undefined,
      },
      session: { timeoutSeconds: 3600, absoluteTimeoutSeconds: 86_400, maxPerUser: 5 },
      security: {
        requireMfa: false,
        rateLimitAttempts: 5,
        rateLimitWindowSeconds: 300,
        lockoutSeconds: 300,
        maxClockSkewSeconds: 0,
        sealedReads: true,
        lockOnTampering: true,
        encryptPrefixes: [],
        scryptLogN: 17,
      },
      audit: {
        path: '/var/log/secreg',
        retentionDays: 90,
        asyncWrite: true,
        segmentBytes: 67_108_864,
        checkpointIntervalSeconds: 300,
        valueHashPrefixes: [],
        syslog: undefined,
        syslogFacility: 'authpriv',
        syslogCaFile: undefined,
        freeWarningBytes: 268_435_456,
        freeLowBytes: 67_108_864,
        freeLeastBytes: 8_388_608,
      },
      kafka: {
        brokers: [],
        topicPrefix: 'crud',
        clientId: 'secregd',
        tls: true,
        caFile: undefined,
        saslMechanism: undefined,
        username: undefined,
        passwordFile: undefined,
      },
      backup: { directory: undefined, intervalSeconds: 86_400, keep: 7, keepDays: 0 },
      limits: {
        maxConnections: 1000,
        maxConnectionsPerUid: 64,
        readTimeoutSeconds: 10,
        authTimeoutSeconds: 30,
        bufferBytes: 268_435_456,
      },
      gateway: {
        socket: undefined,
        group: undefined,
        user: undefined,
        sessionSeconds: 300,
        mayAssert: [],
        supervise: false,
      },
      http: {
        listen: undefined,
        workers: 0,
        tlsCert: undefined,
        tlsKey: undefined,
        tlsClientCa: undefined,
        tlsClientRequired: false,
        hostNames: [],
        publicUrl: undefined,
        certificateProxies: [],
        certificateHeader: 'X-Forwarded-Tls-Client-Cert',
        maxConnections: 10_240,
        maxHeaderBytes: 16_384,
        maxBodyBytes: 2_097_152,
        headerTimeoutSeconds: 10,
        bodyTimeoutSeconds: 30,
        idleTimeoutSeconds: 75,
        drainSeconds: 5,
        bufferBytes: 67_108_864,
        tailscaleWhois: undefined,
        tailscaleServe: false,
      },
      subauth: {
        socket: undefined,
        mode: 0o666,
        maxRequestBytes: 16_384,
        maxReplyBytes: 65_536,
        maxConnections: 1024,
        backlog: 511,
        failureDelayMs: 2000,
        idleTimeoutSeconds: 300,
        usersFile: undefined,
      },
      libvirt: {
        socket: undefined,
        socketReadOnly: undefined,
        mode: 0o600,
        modeReadOnly: 0o600,
        group: undefined,
        privateValues: false,
        maxConnections: 1024,
        maxUnopened: 20,
        backlog: 128,
        openTimeoutSeconds: 30,
        keepaliveIntervalSeconds: 5,
        keepaliveCount: 5,
      },
      secrets: {
        enabled: false,
        environment: 'prod',
        requireAuth: undefined,
        enforceScopes: undefined,
        authorization: undefined,
        audience: 'crud.secrets',
        inboundAuthMode: 'bearer',
        clockSkewSeconds: 30,
        tenantId: undefined,
        allowedMounts: [],
        saltFile: undefined,
        acceptLegacyUris: false,
        grantTtlSeconds: 300,
        grantMaxUses: 1,
        ratePerSecond: 50,
        rateBurst: 100,
        negativeCacheSeconds: 5,
        antiReplay: 'per-resource',
        antiReplayTtlSeconds: 300,
        yamlPath: undefined,
        auditSample: 1,
        auditMode: 'spool',
        auditBuffer: 1000,
        devEndpoints: undefined,
        openbao: KV2,
        hashicorp: KV2,
        pdp: { url: undefined, tokenFile: undefined, caFile: undefined, timeoutMs: 2000 },
        tenants: new Map(),
        issuers: new Map(),
      },
      unlock: { keyFile: undefined, systemdCredential: undefined },
      pam: { helper: undefined, timeoutSeconds: 10, service: 'secreg', maxRunning: 4 },
      log: { level: 'info' },
      metrics: { listen: undefined },
      zones: new Map(),
    })
  })

  it('takes the defaults that its table names', () => {
    const text = CONFIG_KEYS.map((key) => `${key.name} = ${key.default || '""'}`).join('\n')
    expect(parseConfig(text, 'f').config).toEqual(parseConfig('', 'f').config)
  })

  it.each<[string, string, (config: ReturnType<typeof parseConfig>['config']) => unknown, unknown]>(
    [
      ['tables', '[session]\ntimeout = 60', (config) => config.session.timeoutSeconds, 60],
      ['dotted keys', 'audit.retention_days=365', (config) => config.audit.retentionDays, 365],
      ['inline tables', 'log = {level = "warn"}', (config) => config.log.level, 'warn'],
      ['quoted keys', '"socket"."backlog" = 9', (config) => config.socket.backlog, 9],
      ['hexadecimal', 'database.cache_size = 0x100000', (c) => c.database.cacheSizeBytes, 1 << 20],
      ['a mode', 'socket.mode = "0600"', (config) => config.socket.mode, 0o600],
      ['a mode of three digits', 'socket.mode = "777"', (config) => config.socket.mode, 0o777],
      ['a group', 'socket.group = "www-data"', (config) => config.socket.group, 'www-data'],
      ['a group number', 'socket.group = "33"', (config) => config.socket.group, '33'],
      ['no group', 'socket.group = ""', (config) => config.socket.group, undefined],
      ['a key file', 'unlock.key_file = "/k"', (config) => config.unlock.keyFile, '/k'],
      ['a helper', 'pam.helper = "/h"', (config) => config.pam.helper, '/h'],
      ['no helper', 'pam.helper = ""', (config) => config.pam.helper, undefined],
      ['a service', 'pam.service = "secreg-2.x"', (config) => config.pam.service, 'secreg-2.x'],
      [
        'a list',
        'security.encrypt_prefixes = ["/a", "/b"]',
        (config) => config.security.encryptPrefixes,
        ['/a', '/b'],
      ],
      [
        'a syslog server',
        'audit.syslog = "tls://[::1]:6514"',
        (c) => c.audit.syslog,
        'tls://[::1]:6514',
      ],
      ['the own syslog', 'audit.syslog = "local"', (c) => c.audit.syslog, 'local'],
      ['brokers', 'kafka.brokers = ["a.b:9092"]', (c) => c.kafka.brokers, ['a.b:9092']],
    ],
  )('reads %s', (_name, text, pick, expected) => {
    expect(pick(parseConfig(text, 'f').config)).toEqual(expected)
  })

  it.each<[string, string[]]>([
    ['\n[databse]\npath = "/x"', ['3: unknown key "databse.path"; did you mean "database.path"?']],
    ['databse.path = "/x"', ['1: unknown key "databse.path"; did you mean "database.path"?']],
    ['[database]\n\npth = "/x"', ['3: unknown key "database.pth"; did you mean "database.path"?']],
    [
      'retention_days = 3',
      ['1: unknown key "retention_days"; did you mean "audit.retention_days"?'],
    ],
    ['session.backlog = 3', ['1: unknown key "session.backlog"; did you mean "socket.backlog"?']],
    ['[pam]\nhelpr = "/h"', ['2: unknown key "pam.helpr"; did you mean "pam.helper"?']],
    ['completely_different_thing = 3', ['1: unknown key "completely_different_thing"']],
    [
      '"database.path" = "/x"',
      ['1: unknown key \'"database.path"\'; did you mean "database.path"?'],
    ],
    ['[database."path"]\nx = 1', ['1: database.path: expected an absolute path, got a table']],
    ['[nothing_here]', ['1: unknown key "nothing_here"']],
    [
      '[database.path_x.deep]\na = 1',
      ['2: unknown key "database.path_x.deep.a"; did you mean "database.path"?'],
    ],
    ['database = 5', ['1: database: expected a table, got 5']],
    ['[[database]]\npath = "/x"', ['1: database: expected a table, got a list']],
    ['__proto__.x = 1', ['1: unknown key "__proto__.x"']],
    ['[constructor]\nprototype = 1', ['2: unknown key "constructor.prototype"']],
  ])('weakness 63: names the unknown key and the closest one: %j', (text, expected) => {
    expect(faultsOf(text)).toEqual(expected)
  })

  it.each<[string, string]>([
    ['session.timeout = "60"', 'session.timeout: expected an integer from 1 to 31536000, got "60"'],
    [
      'session.timeout = 60.0',
      'session.timeout: expected an integer from 1 to 31536000, got the float 60',
    ],
    ['session.timeout = 0', 'session.timeout: expected an integer from 1 to 31536000, got 0'],
    ['session.timeout = -5', 'session.timeout: expected an integer from 1 to 31536000, got -5'],
    [
      'session.timeout = 9223372036854775807',
      'session.timeout: expected an integer from 1 to 31536000, got 9223372036854775807',
    ],
    [
      'session.timeout = inf',
      'session.timeout: expected an integer from 1 to 31536000, got the float Infinity',
    ],
    [
      'session.timeout = 2020-01-01',
      'session.timeout: expected an integer from 1 to 31536000, got a date or time',
    ],
    [
      'audit.retention_days = 366',
      'audit.retention_days: expected an integer from 1 to 365, got 366',
    ],
    ['audit.async_write = "yes"', 'audit.async_write: expected true or false, got "yes"'],
    ['audit.async_write = 1', 'audit.async_write: expected true or false, got 1'],
    ['database.path = "data"', 'database.path: expected an absolute path, got "data"'],
    ['database.path = "/a\\u0000b"', 'database.path: expected an absolute path, got "/a\\u0000b"'],
    ['socket.framing = "both"', 'socket.framing: expected "auto" or "length", got "both"'],
    [
      'socket.mode = 660',
      'socket.mode: expected an octal mode from "0000" to "0777", as text, got 660',
    ],
    [
      'socket.mode = "0668"',
      'socket.mode: expected an octal mode from "0000" to "0777", as text, got "0668"',
    ],
    [
      'socket.mode = "4755"',
      'socket.mode: expected an octal mode from "0000" to "0777", as text, got "4755"',
    ],
    [
      'socket.group = "a:b"',
      'socket.group: expected a group name or number, or "" for none, got "a:b"',
    ],
    [
      'security.scrypt_log_n = 14',
      'security.scrypt_log_n: expected an integer from 15 to 20, got 14',
    ],
    [
      'security.encrypt_prefixes = "/a"',
      'security.encrypt_prefixes: expected a list of paths that begin with "/", got "/a"',
    ],
    [
      'security.encrypt_prefixes = ["a"]',
      'security.encrypt_prefixes: expected a list of paths that begin with "/", got a list',
    ],
    [
      'pam.helper = "pamtester"',
      'pam.helper: expected an absolute path, or "" for none, got "pamtester"',
    ],
    [
      'pam.service = "../shadow"',
      'pam.service: expected the name of a PAM service, got "../shadow"',
    ],
    ['pam.service = "-h"', 'pam.service: expected the name of a PAM service, got "-h"'],
    ['pam.timeout = 0', 'pam.timeout: expected an integer from 1 to 300, got 0'],
    ['pam.max_running = 65', 'pam.max_running: expected an integer from 1 to 64, got 65'],
    [
      'log.level = "loud"',
      'log.level: expected "fatal" or "error" or "warn" or "info" or "debug" or "trace", got "loud"',
    ],
    [
      'unlock.systemd_credential = "../x"',
      'unlock.systemd_credential: expected the name of a systemd credential, or "" for none, got other text',
    ],
  ])('weakness 63: refuses a wrong value: %s', (text, message) => {
    expect(faultsOf(`# first\n${text}`)).toEqual([`2: ${message}`])
  })

  it('never repeats the value of a sensitive key', () => {
    const faults = faultsOf(
      '[unlock]\nkey_file = "correct horse battery"\nsystemd_credential = 7142',
    )
    expect(faults).toHaveLength(2)
    expect(faults.join()).not.toMatch(/horse|7142/)
  })

  it('never repeats the text around a syntax error', () => {
    const faults = faultsOf('[unlock]\nkey_file = "correct horse\n')
    expect(faults).toHaveLength(1)
    expect(faults.join()).not.toContain('horse')
  })

  it('refuses a socket path that the kernel would cut', () => {
    expect(faultsOf(`socket.path = "/${'s'.repeat(106)}"`)).toEqual([])
    expect(faultsOf(`socket.path = "/${'s'.repeat(107)}"`)).toHaveLength(1)
    expect(faultsOf(`socket.path = "/${'ů'.repeat(54)}"`)).toHaveLength(1)
  })

  it('refuses an absolute time-out below the sliding one, at the key that was given', () => {
    expect(faultsOf('[session]\ntimeout = 90000')).toEqual([
      '2: session.absolute_timeout (86400) must not be less than session.timeout (90000)',
    ])
    expect(faultsOf('[session]\ntimeout = 60\nabsolute_timeout = 59')).toEqual([
      '3: session.absolute_timeout (59) must not be less than session.timeout (60)',
    ])
  })

  it('tells all faults at once, in the order of their lines', () => {
    const text =
      'sesion.timeout = 1\n[audit]\nasync_write = 1\n[log]\nlevl = 1\n[socket]\nbacklog = 0'
    expect(faultsOf(text).map((fault) => fault.slice(0, 2))).toEqual(['1:', '3:', '5:', '7:'])
  })

  it.each<[string, string]>([
    ['a = ', '1:5: not valid TOML'],
    ['[session]\ntimeout = 60\ntimeout = 61', '3:1: not valid TOML'],
    ['[session\n', '1:'],
    ['\n\nx = "abc', '3:'],
    ['x = 0777', '1:5: not valid TOML'],
  ])('tells line and column of a syntax error: %j', (text, start) => {
    expect(faultsOf(text)).toEqual([expect.stringMatching(new RegExp(`^${start}`))])
  })

  it('refuses bytes that are not UTF-8 with their line, and takes a byte order mark', () => {
    expect(faultsOf(Buffer.from('a = 1\nb = "\xff"\n', 'latin1'))).toEqual([
      '2: is not valid UTF-8',
    ])
    expect(faultsOf(Buffer.from('[log]\n# \xc3', 'latin1'))).toEqual(['2: is not valid UTF-8'])
    expect(faultsOf(Buffer.from('\ufefflog.level = "info"'))).toEqual([])
  })

  it('gives the place of a key for checks of its user', () => {
    const loaded = parseConfig('[security]\nencrypt_prefixes = ["/a/../b"]', 'f')
    expect(loaded.fault('security.encrypt_prefixes', 'no')).toEqual({
      file: 'f',
      line: 2,
      message: 'no',
    })
    expect(loaded.fault('log.level', 'no')).toEqual({ file: 'f', message: 'no' })
    const zones = parseConfig('\n[zones."a.b"]\nhttp = true', 'f')
    expect(zones.fault(['zones', 'a.b', 'http'], 'no').line).toBe(3)
  })

  it('answers any bytes with a configuration or its own error', () => {
    const piece = fc.constantFrom(
      '[',
      ']',
      '{',
      '}',
      '"',
      "'",
      '"""',
      '=',
      '.',
      ',',
      '\n',
      '#',
      'log',
      'level',
      '"info"',
      '1',
      ' ',
      '\\',
      '\r',
    )
    const text = fc.array(piece, { maxLength: 30 }).map((parts) => Buffer.from(parts.join('')))
    fc.assert(
      fc.property(fc.oneof(text, fc.uint8Array({ maxLength: 64 })), (bytes) => {
        try {
          parseConfig(bytes, 'f')
        } catch (error) {
          expect(ConfigError.is(error), String(error)).toBe(true)
        }
      }),
      { numRuns: 3000 },
    )
  })
})

describe('loadConfig', () => {
  let home: Home
  beforeEach(() => {
    home = makeHome()
  })
  afterEach(() => home.remove())

  const messageOf = (file: string, uid?: number): string => {
    try {
      loadConfig(file, uid === undefined ? {} : { uid })
    } catch (error) {
      if (ConfigError.is(error)) return error.message
      throw error
    }
    return ''
  }

  it('reads a file, also through a symbolic link', () => {
    const file = home.write('config.toml', 'log.level = "warn"')
    symlinkSync(file, home.file('link'))
    expect(loadConfig(file).config.log.level).toBe('warn')
    expect(loadConfig(home.file('link')).config.log.level).toBe('warn')
  })

  it('refuses a file that others can write', () => {
    const file = home.write('config.toml', '')
    for (const mode of [0o620, 0o602, 0o666]) {
      chmodSync(file, mode)
      expect(messageOf(file)).toContain('can be written by its group or others')
    }
    chmodSync(file, 0o644)
    expect(messageOf(file)).toBe('')
  })

  it('refuses a file of another user', (context) => {
    if (process.getuid?.() !== 0) context.skip('only root can give files to others')
    const file = home.write('config.toml', '')
    chownSync(file, 12_345, 0)
    expect(messageOf(file)).toContain('belongs to user 12345')
    expect(messageOf(file, 12_345)).toBe('')
  })

  it('refuses what is not a file it can read whole', () => {
    mkdirSync(home.file('directory'))
    const large = home.write('large', '')
    truncateSync(large, MAX_CONFIG_BYTES + 1)
    expect(messageOf(home.file('absent'))).toBe(`${home.file('absent')}: cannot be read (ENOENT)`)
    expect(messageOf(home.file('directory'))).toContain('is not a regular file')
    expect(messageOf('/dev/null')).toContain('is not a regular file')
    expect(messageOf(large)).toContain('is larger than 1048576 bytes')
  })

  it('weakness 63: names file, line and closest key in the message', () => {
    const file = home.write('config.toml', '\n[databse]\npath = "/x"\n')
    expect(messageOf(file)).toBe(
      `${file}:3: unknown key "databse.path"; did you mean "database.path"?`,
    )
    expect(() => loadConfig(file)).toThrow(HostError as unknown as new () => HostError)
  })
})
