/** Secrets in memory under the write rules of the dialect, for tests of programs that use setec. */
import {
  type DialectEffect,
  type DialectEntry,
  encodeBase64,
  SecregError,
  type VersionState,
} from '@secreg/protocol'
import type { SetecAction } from '../api/operation.ts'
import { isReservedName, type SecretInfo } from '../api/secret.ts'
import { setecPath } from '../dialect/path.ts'
import { SETEC_DIALECT, type SetecWrite } from '../dialect/setec-dialect.ts'
import type { PortValue, SetecPort } from './port.ts'

/** One database of secrets. */
export interface MemorySetec {
  /**
   * The secrets as one caller sees them.
   *
   * @param allows - asked for each secret that is concerned, whether there is one of the name or not
   */
  portFor(allows: (action: SetecAction, name: string) => boolean): SetecPort
}

/** Make a database without secrets. */
export function memorySetec(): MemorySetec {
  const secrets = new Map<string, MemorySecret>()
  return { portFor: (allows) => new MemoryPort(secrets, allows) }
}

class MemoryPort implements SetecPort {
  readonly #secrets: Map<string, MemorySecret>
  readonly #allows: (action: SetecAction, name: string) => boolean

  constructor(
    secrets: Map<string, MemorySecret>,
    allows: (action: SetecAction, name: string) => boolean,
  ) {
    this.#secrets = secrets
    this.#allows = allows
  }

  async list(): Promise<readonly SecretInfo[]> {
    const visible = [...this.#secrets].filter(
      ([name, { exists }]) => exists && this.#allows('info', name),
    )
    return visible.map(([name, secret]) => infoOf(name, secret))
  }

  async get(name: string, version: number): Promise<PortValue> {
    const secret = this.#readable('get', name)
    return found(secret, version === 0 ? secret.active : version)
  }

  async getIfChanged(name: string, version: number): Promise<PortValue | undefined> {
    const secret = this.#readable('get', name)
    return secret.active === version ? undefined : found(secret, secret.active)
  }

  async info(name: string): Promise<SecretInfo> {
    return infoOf(name, this.#readable('info', name))
  }

  async put(name: string, value: Uint8Array): Promise<number> {
    return this.#change('put', 'put', name, { value: encodeBase64(value) }) as number
  }

  async createVersion(name: string, version: number, value: Uint8Array): Promise<void> {
    const request = { version, value: encodeBase64(value) }
    this.#change('create-version', 'create-version', name, request)
  }

  async activate(name: string, version: number): Promise<void> {
    this.#change('activate', 'activate', name, { version })
  }

  async deleteVersion(name: string, version: number): Promise<void> {
    this.#change('delete-version', 'delete', name, { version })
  }

  async delete(name: string): Promise<void> {
    this.#change('delete', 'delete', name, {})
  }

  #change(operation: SetecWrite, action: SetecAction, name: string, request: object): unknown {
    const path = setecPath(name)
    this.#require(action, name)
    const secret = this.#secrets.get(name) ?? new MemorySecret(path)
    const { effects, result } = SETEC_DIALECT.operations[operation].plan(secret, request)
    for (const effect of effects) secret.apply(effect)
    if (effects.length > 0) this.#secrets.set(name, secret)
    return result
  }

  #readable(action: SetecAction, name: string): MemorySecret {
    setecPath(name)
    this.#require(action, name)
    if (isReservedName(name)) throw new SecregError('INVALID_ARGUMENT', 'the name is reserved')
    const secret = this.#secrets.get(name)
    if (secret?.exists !== true) throw new SecregError('NOT_FOUND', 'no such secret')
    return secret
  }

  #require(action: SetecAction, name: string): void {
    if (!this.#allows(action, name)) throw new SecregError('ACCESS_DENIED', 'permission denied')
  }
}

/** One secret in all its lives: numbers do not come again. */
class MemorySecret implements DialectEntry {
  readonly path: string
  active = 0
  latest = 0
  base = 0
  readonly isDeleted = false
  readonly isPrivate = false
  readonly isEphemeral = false
  readonly custom: Readonly<Record<string, string>> = Object.freeze({})
  readonly #claimed = new Set<number>()
  /** Of this life; `undefined` where the value was destroyed. */
  readonly #versions = new Map<number, Uint8Array | undefined>()

  constructor(path: string) {
    this.path = path
  }

  get exists(): boolean {
    return this.#versions.size > 0
  }

  get next(): number {
    return this.latest + 1
  }

  /** Numbers of the versions that have a value, ascending. */
  get numbers(): number[] {
    const kept = [...this.#versions].filter(([, value]) => value !== undefined)
    return kept.map(([number]) => number).sort((a, b) => a - b)
  }

  isClaimed(version: number): boolean {
    return this.#claimed.has(version)
  }

  stateOf(version: number): VersionState | undefined {
    if (!this.#versions.has(version)) return undefined
    return this.#versions.get(version) === undefined ? 'destroyed' : 'kept'
  }

  holds(version: number, bytes: Uint8Array): boolean {
    const value = this.#versions.get(version)
    if (value === undefined || value.length !== bytes.length) return false
    let difference = 0
    for (const [at, byte] of value.entries()) difference |= byte ^ (bytes[at] as number)
    return difference === 0
  }

  read(version: number): Uint8Array | undefined {
    return this.#versions.get(version)
  }

  apply(effect: DialectEffect): void {
    switch (effect.do) {
      case 'put': {
        const { value, version = this.next, activate = true } = effect
        this.#versions.set(version, value.bytes)
        this.#claimed.add(version)
        this.latest = Math.max(this.latest, version)
        if (activate || this.active === 0) this.active = version
        return
      }
      case 'activate':
        this.active = effect.version
        return
      case 'destroy':
        this.#versions.set(effect.version, undefined)
        return
      case 'purge':
        this.#versions.clear()
        this.active = 0
        this.base = this.latest
        return
      default:
        throw new TypeError(`the dialect of setec must not ${effect.do}`)
    }
  }
}

function found(secret: MemorySecret, version: number): PortValue {
  const value = secret.read(version)
  if (value === undefined) throw new SecregError('VERSION_NOT_FOUND', 'no such version')
  return { base64: encodeBase64(value), version }
}

function infoOf(name: string, secret: MemorySecret): SecretInfo {
  return { Name: name, Versions: secret.numbers, ActiveVersion: secret.active }
}
