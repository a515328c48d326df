/** A small registry in memory behind the registry protocol, for tests of the command. */
import { createServer, type Socket } from 'node:net'
import {
  type ChangeEvent,
  isReason,
  LIMITS,
  MESSAGE_TYPE,
  REASONS,
  type Reason,
  SecregError,
  STATUS,
  type ValueType,
  type WatchEventMessage,
} from '@secreg/protocol'
import { requestNameOf } from '@secreg/protocol/messages'
import { decodePayload, encodeFrame, type Frame, FrameReader } from '@secreg/wire-codec'
import { FakeAccounts } from './fake/fake-accounts.ts'
import { FakeAudit } from './fake/fake-audit.ts'
import { FakeEntries, type FakeEntry, type Payload } from './fake/fake-entries.ts'
import { FakeLibvirt } from './fake/fake-libvirt.ts'
import { FakeSecrets } from './fake/fake-secrets.ts'
import { FakeSetec } from './fake/fake-setec.ts'
import { FakeTransfer } from './fake/fake-transfer.ts'
import { FakeVersions } from './fake/fake-versions.ts'

export { PASSPHRASE, PASSWORD } from './fake/fake-accounts.ts'

type Handler = (payload: Payload, sessionId: string) => object | Promise<object>

/** State that a test can look at and change. */
export class FakeRegistry extends FakeAccounts implements AsyncDisposable {
  readonly path: string
  readonly store = new FakeEntries()
  readonly versions = new FakeVersions(this.store)
  readonly transfer = new FakeTransfer(this.store)
  readonly setec = new FakeSetec(this.store)
  readonly libvirt = new FakeLibvirt(this.store)
  readonly secrets = new FakeSecrets()
  readonly log = new FakeAudit()
  /** Answer questions to the log, and requests for evidence. */
  answeringEvidence: (payload: Payload) => object | Promise<object> = (payload) =>
    this.log.evidence(payload)
  answeringAudit: (payload: Payload) => object | Promise<object> = (payload) =>
    this.log.audit(payload)
  readonly asked: { name: string; payload: Payload; sessionId: string }[] = []
  /** Answers to give instead, by request name. */
  readonly answers = new Map<string, object>()
  /** The same, made anew for each request. */
  readonly answering = new Map<string, () => object>()
  /** Errors to give instead, by request name. */
  readonly failures = new Map<string, Reason>()
  /** JSON Pointer that errors tell. */
  pointer: string | undefined
  /** Oldest revision that errors tell. */
  minRevision: number | undefined
  /** Requests that get no answer. */
  readonly silent = new Set<string>()
  /** Answers to staged entries wait until the import is aborted. */
  stallImports = false
  readonly #stalled: (() => void)[] = []
  readonly #sockets = new Set<Socket>()
  readonly #watching = new Map<number, Socket>()
  readonly #server = createServer((socket) => this.#serve(socket))

  private constructor(path: string) {
    super()
    this.path = path
  }

  static async start(path: string): Promise<FakeRegistry> {
    const registry = new FakeRegistry(path)
    await new Promise<void>((resolve) => registry.#server.listen(path, resolve))
    return registry
  }

  /** Entries that are not deleted. */
  get entries(): Map<string, FakeEntry> {
    return this.store.live
  }

  get imports(): FakeTransfer['imports'] {
    return this.transfer.imports
  }

  get pageSize(): number {
    return this.store.pageSize
  }

  set pageSize(keys: number) {
    this.store.pageSize = keys
  }

  put(key: string, value: string, type: ValueType = 'string', encrypted = false): void {
    this.store.put(key, value, type, encrypted)
  }

  /** Number of watches that stand. */
  get watches(): number {
    return this.#watching.size
  }

  /** Push changes to every watch. */
  push(
    revision: number,
    events: readonly ChangeEvent[],
    more: Partial<WatchEventMessage> = {},
  ): void {
    for (const [watch_id, socket] of this.#watching) {
      const payload = JSON.stringify({ watch_id, revision, events, ...more })
      socket.write(
        encodeFrame('length', { type: MESSAGE_TYPE.WatchEvent, timestampMs: Date.now(), payload }),
      )
    }
  }

  /** Break every connection. */
  breakConnections(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Do as a daemon that was started anew: nobody is logged in, and the registry is sealed. */
  restart(): void {
    this.log.forgetFollows()
    this.sessions.clear()
    this.state = 'sealed'
    this.breakConnections()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {})
    const bound = new Set<string>()
    socket.on('close', () => {
      this.#sockets.delete(socket)
      for (const id of bound) this.sessions.delete(id)
    })
    const reader = new FrameReader({ framing: 'length' })
    socket.on('data', (chunk: Buffer) => {
      reader.push(chunk)
      for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
        if (this.bound.has(frame.sessionId)) bound.add(frame.sessionId)
        void this.#answer(socket, frame, reader)
      }
    })
  }

  async #answer(socket: Socket, frame: Frame, reader: FrameReader): Promise<void> {
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
      const known = frame.sessionId !== ''
      if (known) reader.maxFrameBytes = LIMITS.frameBytes
      const open = ['auth', 'hello', 'status', 'seal'].includes(name) && payload['op'] !== 'lock'
      if (!known && !open) {
        throw new SecregError('AUTH_REQUIRED', 'log in first')
      }
      const failure = this.failures.get(name)
      if (failure !== undefined) throw new SecregError(failure, `refused: ${failure}`)
      const given =
        this.answering.get(name)?.() ??
        this.answers.get(name) ??
        this.#handle(name, payload, frame.sessionId, socket)
      const answer = given instanceof Promise ? await given : given
      if (name === 'auth') reader.maxFrameBytes = LIMITS.frameBytes
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
      const told = {
        ...(this.minRevision === undefined ? {} : { min_revision: this.minRevision }),
        ...(this.pointer === undefined ? {} : { pointer: this.pointer }),
      }
      send(0xff, { code: STATUS[status], name: status, message, reason, errno, ...told })
    }
  }

  readonly #handlers: Readonly<Record<string, Handler>> = {
    auth: (payload) => this.auth(payload),
    logout: (_, sessionId) => {
      this.sessions.delete(sessionId)
      return { success: true }
    },
    get: (payload) => this.store.get(payload),
    set: (payload) => this.store.set(payload),
    delete: (payload) => this.store.delete(payload),
    list: (payload) => this.store.list(payload),
    search: (payload) => this.store.search(payload),
    transfer: (payload) => this.store.transfer(payload),
    history: (payload) => this.versions.history(payload),
    versions: (payload) => this.versions.change(payload),
    meta: (payload) => this.versions.meta(this.#named(payload)),
    dialect: (payload) =>
      (payload['dialect'] === 'libvirt' ? this.libvirt : this.setec).dialect(payload),
    mount: (payload) => this.versions.mount(payload),
    txn: (payload) => this.versions.transaction(payload),
    unwatch: () => ({ success: true }),
    status: (_, sessionId) => ({
      status: 'running',
      state: this.state,
      initialized: this.state !== 'uninitialized',
      version: '0.1.0',
      ...(sessionId === '' ? {} : { uptime_s: 63, entries: this.entries.size, size_bytes: 12_288 }),
    }),
    whoami: () => ({
      user: this.kernelUser ?? 'alice',
      account: 'a1',
      roles: ['admin'],
      groups: [],
      mfa: false,
      proof: this.kernelUser === undefined ? 'credential' : 'kernel',
      door: 'registry',
    }),
    seal: (payload) => this.seal(payload),
    protector: (payload) => this.protector(payload),
    export: (payload) => this.transfer.export(payload),
    import: (payload) => this.transfer.import(payload),
    user: (payload) => this.user(payload),
    password: (payload) => this.password(payload),
    security: ({ op }) => ({
      ok: true,
      findings: [{ check: String(op), level: 'ok', message: 'as it should be' }],
    }),
    audit: (payload) => this.answeringAudit(payload),
    evidence: (payload) => this.answeringEvidence(payload),
    secrets: (payload) => this.secrets.answer(payload),
  }

  /** Metadata that are asked for by what only one entry has, as those of its path. */
  #named(payload: Payload): Payload {
    if (payload['op'] !== 'find') return payload
    const key = this.libvirt.find(payload['unique'])
    if (key === undefined) throw new SecregError('STORAGE_KEY_NOT_FOUND', 'no such key')
    return { op: 'get', key }
  }

  #handle(
    name: string,
    payload: Payload,
    sessionId: string,
    socket: Socket,
  ): object | Promise<object> {
    if (name === 'watch') {
      const watch_id = this.#watching.size + 1
      this.#watching.set(watch_id, socket)
      socket.on('close', () => this.#watching.delete(watch_id))
      return { watch_id, revision: Number(payload['since_revision'] ?? 100), generation: 'g1' }
    }
    const handler = Object.hasOwn(this.#handlers, name) ? this.#handlers[name] : undefined
    if (handler === undefined) throw new SecregError('MESSAGE_UNKNOWN', 'unknown message type')
    return handler(payload, sessionId)
  }
}
