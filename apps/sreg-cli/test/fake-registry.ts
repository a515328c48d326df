/** A small registry in memory behind the registry protocol, for tests of the command. */
import { randomUUID } from 'node:crypto'
import { createServer, type Socket } from 'node:net'
import {
  type ImportChange,
  isReason,
  LIMITS,
  parsePath,
  parsePrefix,
  parseValue,
  parseValueType,
  REASONS,
  type Reason,
  SecregError,
  STATUS,
  type ValueType,
} from '@secreg/protocol'
import { requestNameOf } from '@secreg/protocol/messages'
import { decodePayload, encodeFrame, type Frame, FrameReader } from '@secreg/wire-codec'

interface Entry {
  value: string
  type: ValueType
  encrypted: boolean
  version: number
}

type Payload = Record<string, unknown>

export const PASSWORD = 'correct horse battery'
export const PASSPHRASE = 'open sesame, please'

/** State that a test can look at and change. */
export class FakeRegistry implements AsyncDisposable {
  readonly path: string
  readonly entries = new Map<string, Entry>()
  readonly sessions = new Set<string>()
  readonly users = new Map<string, { roles: string[]; disabled: boolean; password: string }>()
  readonly asked: { name: string; payload: Payload; sessionId: string }[] = []
  readonly imports = new Map<string, { entries: Payload[]; force: boolean }>()
  state: 'uninitialized' | 'sealed' | 'unsealed' = 'unsealed'
  /** Answers to give instead, by request name. */
  readonly answers = new Map<string, object>()
  /** Errors to give instead, by request name. */
  readonly failures = new Map<string, Reason>()
  /** Requests that get no answer. */
  readonly silent = new Set<string>()
  /** Answers to staged entries wait until the import is aborted. */
  stallImports = false
  readonly #stalled: (() => void)[] = []
  pageSize = 1000
  passphrase = PASSPHRASE
  /** Callers without a session are taken for this user. */
  kernelUser: string | undefined
  readonly #sockets = new Set<Socket>()
  readonly #server = createServer((socket) => this.#serve(socket))

  private constructor(path: string) {
    this.path = path
    this.users.set('alice', { roles: ['admin'], disabled: false, password: PASSWORD })
  }

  static async start(path: string): Promise<FakeRegistry> {
    const registry = new FakeRegistry(path)
    await new Promise<void>((resolve) => registry.#server.listen(path, resolve))
    return registry
  }

  session(): string {
    const id = randomUUID()
    this.sessions.add(id)
    return id
  }

  put(key: string, value: string, type: ValueType = 'string', encrypted = false): void {
    const version = (this.entries.get(key)?.version ?? 0) + 1
    this.entries.set(key, { value, type, encrypted, version })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
    const reader = new FrameReader({ framing: 'length' })
    socket.on('data', (chunk: Buffer) => {
      reader.push(chunk)
      for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
        this.#answer(socket, frame, reader)
      }
    })
  }

  #answer(socket: Socket, frame: Frame, reader: FrameReader): void {
    const send = (type: number, payload: object): void => {
      socket.write(
        encodeFrame('length', { type, timestampMs: Date.now(), payload: JSON.stringify(payload) }),
      )
    }
    const name = requestNameOf(frame.type) ?? 'unknown'
    const payload = decodePayload(frame.payload)
    this.asked.push({ name, payload, sessionId: frame.sessionId })
    if (this.silent.has(name)) return
    try {
      if (frame.sessionId !== '' && !this.sessions.has(frame.sessionId)) {
        throw new SecregError('SESSION_INVALID', 'the session is not known')
      }
      const known = frame.sessionId !== '' || this.kernelUser !== undefined
      if (known) reader.maxFrameBytes = LIMITS.frameBytes
      const open = ['auth', 'hello', 'status', 'seal'].includes(name) && payload['op'] !== 'lock'
      if (!known && !open) {
        throw new SecregError('AUTH_REQUIRED', 'log in first')
      }
      const failure = this.failures.get(name)
      if (failure !== undefined) throw new SecregError(failure, `refused: ${failure}`)
      const answer = this.answers.get(name) ?? this.#handle(name, payload, frame.sessionId)
      if (this.stallImports && payload['op'] === 'stage') {
        this.#stalled.push(() => send(frame.type + 1, answer))
        return
      }
      for (const release of this.#stalled.splice(0)) release()
      send(frame.type + 1, answer)
    } catch (error) {
      const { message } = error as Error
      const named = (error as { reason?: string }).reason ?? 'INTERNAL'
      const reason: Reason = isReason(named) ? named : 'INTERNAL'
      const { status, errno } = REASONS[reason]
      send(0xff, { code: STATUS[status], name: status, message, reason, errno })
    }
  }

  #handle(name: string, payload: Payload, sessionId: string): object {
    switch (name) {
      case 'auth': {
        const user = this.users.get(String(payload['username']))
        if (user === undefined || user.password !== payload['password']) {
          return {
            success: false,
            error: {
              code: 4,
              name: 'AuthFailed',
              message: 'wrong name or password',
              reason: 'AUTH_FAILED',
              errno: 100,
            },
          }
        }
        return { success: true, session_id: this.session(), roles: user.roles, expires_in: 3600 }
      }
      case 'logout':
        this.sessions.delete(sessionId)
        return { success: true }
      case 'get':
        return this.#get(parsePath(String(payload['key'])), payload['decrypt'] === true)
      case 'set':
        return this.#set(payload)
      case 'delete':
        return this.#delete(String(payload['key']), payload['recursive'] === true)
      case 'list':
        return this.#list(payload)
      case 'status':
        return {
          status: 'running',
          state: this.state,
          initialized: this.state !== 'uninitialized',
          version: '0.1.0',
          ...(sessionId === ''
            ? {}
            : { uptime_s: 63, entries: this.entries.size, size_bytes: 12_288 }),
        }
      case 'whoami':
        return {
          user: this.kernelUser ?? 'alice',
          account: 'a1',
          roles: ['admin'],
          mfa: false,
          proof: 'credential',
          door: 'registry',
        }
      case 'seal':
        return this.#seal(payload)
      case 'export':
        return this.#export(payload)
      case 'import':
        return this.#import(payload)
      case 'user':
        return this.#user(payload)
      case 'password': {
        const user = this.users.get('alice')
        if (user === undefined || user.password !== payload['old_password']) {
          throw new SecregError('AUTH_FAILED', 'wrong password')
        }
        user.password = String(payload['new_password'])
        return { success: true }
      }
      case 'security':
        return {
          ok: true,
          findings: [{ check: String(payload['op']), level: 'ok', message: 'as it should be' }],
        }
      case 'audit':
        return { records: [] }
      default:
        throw new SecregError('MESSAGE_UNKNOWN', 'unknown message type')
    }
  }

  #get(key: string, decrypt: boolean): object {
    const entry = this.entries.get(key)
    if (entry === undefined) throw new SecregError('STORAGE_KEY_NOT_FOUND', 'no such key')
    return {
      value: entry.encrypted && !decrypt ? null : entry.value,
      type: entry.type,
      encrypted: entry.encrypted,
      version: entry.version,
      created_at: 1_700_000_000_000,
      created_by: 'alice',
      modified_at: 1_700_000_000_000,
      modified_by: 'alice',
      modify_revision: 1,
    }
  }

  #set(payload: Payload): object {
    const key = parsePath(String(payload['key']))
    const type = parseValueType(String(payload['type'] ?? 'string'))
    parseValue(payload['value'] as string, type)
    this.put(key, String(payload['value']), type, payload['encrypt'] === true)
    return { success: true, version: this.entries.get(key)?.version, revision: 1 }
  }

  #delete(key: string, recursive: boolean): object {
    const keys = [...this.entries.keys()].filter(
      (one) => one === key || (recursive && one.startsWith(`${key}/`)),
    )
    if (keys.length === 0) {
      const below = [...this.entries.keys()].some((one) => one.startsWith(`${key}/`))
      throw new SecregError(below ? 'NOT_A_LEAF' : 'STORAGE_KEY_NOT_FOUND', 'no such key')
    }
    for (const one of keys) this.entries.delete(one)
    return { success: true, deleted: keys.length, revision: 2 }
  }

  #list(payload: Payload): object {
    const prefix = `${parsePrefix(String(payload['prefix']))}/`
    const found = new Set<string>()
    for (const key of this.entries.keys()) {
      if (!key.startsWith(prefix)) continue
      const cut = payload['recursive'] === true ? -1 : key.indexOf('/', prefix.length)
      found.add(cut < 0 ? key : key.slice(0, cut + 1))
    }
    const after = payload['after'] as string | undefined
    const rest = [...found].sort().filter((key) => after === undefined || key > after)
    const keys = rest.slice(0, this.pageSize)
    const entries = keys.flatMap((key) => {
      const entry = this.entries.get(key)
      return entry === undefined
        ? []
        : [
            {
              key,
              type: entry.type,
              encrypted: entry.encrypted,
              version: entry.version,
              modified_at: 1_700_000_000_000,
              modified_by: 'alice',
            },
          ]
    })
    return {
      keys,
      ...(payload['detail'] === true ? { entries } : {}),
      ...(rest.length > keys.length ? { next: keys.at(-1) } : {}),
    }
  }

  #seal(payload: Payload): object {
    if (payload['op'] === 'init') {
      if (this.state !== 'uninitialized' && payload['force'] !== true) {
        throw new SecregError('ALREADY_INITIALIZED', 'the registry is initialised already')
      }
      this.passphrase = String(payload['passphrase'])
      this.users.set(String(payload['admin']), {
        roles: ['admin'],
        disabled: false,
        password: String(payload['admin_password']),
      })
      this.state = 'unsealed'
    } else if (payload['op'] === 'unlock') {
      if (payload['passphrase'] !== this.passphrase) {
        throw new SecregError('AUTH_FAILED', 'the passphrase does not fit')
      }
      this.state = 'unsealed'
    } else this.state = 'sealed'
    return { state: this.state }
  }

  #export(payload: Payload): object {
    const all = [...this.entries].sort(([a], [b]) => (a < b ? -1 : 1))
    const shown = all.filter(([, entry]) => payload['with_secrets'] === true || !entry.encrypted)
    const start = Number(payload['cursor'] ?? 0)
    const end = start + this.pageSize
    return {
      entries: shown.slice(start, end).map(([key, { value, type, encrypted, version }]) => ({
        key,
        type,
        value,
        encrypted,
        version,
        created_at: 1,
        modified_at: 2,
        created_by: 'alice',
        modified_by: 'alice',
      })),
      total: shown.length,
      omitted: all.length - shown.length,
      revision: 9,
      ...(end < shown.length ? { cursor: String(end) } : {}),
    }
  }

  #import(payload: Payload): object {
    const id = String(payload['import'])
    if (payload['op'] === 'begin') {
      const begun = randomUUID()
      this.imports.set(begun, { entries: [], force: payload['force'] === true })
      return { import: begun }
    }
    const staged = this.imports.get(id)
    if (staged === undefined) throw new SecregError('NOT_FOUND', 'no such import')
    if (payload['op'] === 'stage') {
      staged.entries.push(...(payload['entries'] as Payload[]))
      return { import: id, staged: staged.entries.length }
    }
    const changes = staged.entries.map((entry): ImportChange => {
      const key = String(entry['key'])
      const old = this.entries.get(key)
      const same = old?.value === entry['value'] && old?.type === entry['type']
      return {
        key,
        change: old === undefined ? 'create' : same ? 'same' : 'update',
        type: entry['type'] as ValueType,
        encrypted: entry['encrypt'] === true,
        ...(old === undefined ? {} : { old_type: old.type, old_version: old.version }),
      }
    })
    if (payload['op'] === 'diff') {
      const offset = Number(payload['offset'] ?? 0)
      const end = offset + this.pageSize
      return {
        changes: changes.slice(offset, end),
        ...(end < changes.length ? { next_offset: end } : {}),
      }
    }
    this.imports.delete(id)
    if (payload['op'] === 'abort') return {}
    if (!staged.force && changes.some(({ change }) => change === 'update')) {
      throw new SecregError('ALREADY_EXISTS', 'some keys have other values')
    }
    for (const entry of staged.entries) this.#set(entry)
    const same = changes.filter(({ change }) => change === 'same').length
    return { imported: changes.length - same, unchanged: same, revision: 3 }
  }

  #user(payload: Payload): object {
    const name = String(payload['user'])
    const row = ([user, { roles, disabled }]: [
      string,
      { roles: string[]; disabled: boolean },
    ]) => ({
      user,
      account: 'a1',
      roles,
      disabled,
      created_at: 1_700_000_000_000,
    })
    if (payload['op'] === 'list') return { users: [...this.users].map(row) }
    if (payload['op'] === 'add') {
      if (this.users.has(name)) throw new SecregError('USER_EXISTS', 'the user exists')
      this.users.set(name, {
        roles: (payload['roles'] as string[]) ?? [],
        disabled: false,
        password: String(payload['password']),
      })
      return {}
    }
    const user = this.users.get(name)
    if (user === undefined) throw new SecregError('USER_NOT_FOUND', 'no such user')
    if (payload['op'] === 'show') return { users: [row([name, user])] }
    if (payload['op'] === 'remove') this.users.delete(name)
    if (payload['op'] === 'roles') user.roles = payload['roles'] as string[]
    if (payload['op'] === 'password') user.password = String(payload['password'])
    if (payload['op'] === 'enable') user.disabled = false
    if (payload['op'] === 'disable') user.disabled = true
    return {}
  }
}
