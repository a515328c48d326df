/** Providers in memory: one with versions and metadata, as KV version 2 has them, and one without, as a file. */
import {
  type CurrentSecret,
  type PinnedSecret,
  ProviderError,
  type SecretMap,
  type SecretMetadata,
  type SecretPlace,
  type SecretProvider,
  UNSUPPORTED_OPERATIONS,
} from '@secreg/secrets-api'

interface Version {
  data: SecretMap | undefined
  deletionTime: string
}

interface Secret {
  readonly versions: Map<number, Version>
  latest: number
  readonly custom: Map<string, string>
}

/** What a call waits for before it does anything, all at once. */
export type Gate = (method: string) => Promise<void>

export const DELETED_AT = '2026-01-02T03:04:05Z'
const CREATED_AT = '2026-01-01T00:00:00Z'

const pathOf = ({ mount, segments }: SecretPlace): string => [mount, ...segments].join('/')

/** Secrets with versions; `calls` are the methods that were called, with their check where there was one. */
export class VersionedMemory implements SecretProvider {
  readonly name = 'openbao'
  readonly capabilities = {
    versions: true,
    customMetadata: true,
    list: true,
    entries: false,
    nested: false,
  }
  readonly entries: SecretProvider['entries'] = UNSUPPORTED_OPERATIONS.entries
  readonly secrets: Map<string, Secret> = new Map()
  readonly calls: string[] = []
  readonly #gate: Gate

  constructor(gate: Gate = async () => {}) {
    this.#gate = gate
  }

  /** Looks a secret up only when it is called: what comes of one that was there before an `await` is no single step. */
  async #enter(method: string, place: SecretPlace): Promise<() => Secret | undefined> {
    await this.#gate(method)
    this.calls.push(method)
    return () => this.secrets.get(pathOf(place))
  }

  async read(place: SecretPlace): Promise<CurrentSecret> {
    const secret = (await this.#enter('read', place))()
    const token = tokenOf(secret)
    const current = secret === undefined ? undefined : secret.latest
    return { ...pinned(secret, current ?? 0), token }
  }

  async readVersion(place: SecretPlace, version: number): Promise<PinnedSecret> {
    return pinned((await this.#enter('readVersion', place))(), version)
  }

  async write(place: SecretPlace, data: SecretMap, options: { cas?: string } = {}) {
    const present = (await this.#enter(`write ${options.cas ?? 'any'}`, place))()
    check(present, options.cas)
    const secret = present ?? { versions: new Map(), latest: 0, custom: new Map() }
    this.secrets.set(pathOf(place), secret)
    secret.latest++
    secret.versions.set(secret.latest, { data: new Map(data), deletionTime: '' })
    return { version: secret.latest, first: secret.latest === 1 }
  }

  async remove(place: SecretPlace, cas: string): Promise<void> {
    const secret = (await this.#enter(`remove ${cas}`, place))()
    check(secret, cas)
    const version = secret?.versions.get(secret.latest)
    if (version !== undefined) version.deletionTime = DELETED_AT
  }

  async destroy(place: SecretPlace, cas: string): Promise<void> {
    check((await this.#enter(`destroy ${cas}`, place))(), cas)
    this.secrets.delete(pathOf(place))
  }

  async undelete(place: SecretPlace, versions: readonly number[]): Promise<void> {
    const secret = (await this.#enter('undelete', place))()
    for (const each of versions) {
      const version = secret?.versions.get(each)
      if (version?.data !== undefined) version.deletionTime = ''
    }
  }

  async destroyVersions(place: SecretPlace, versions: readonly number[]): Promise<void> {
    const secret = (await this.#enter('destroyVersions', place))()
    for (const each of versions) {
      const version = secret?.versions.get(each)
      if (version !== undefined) version.data = undefined
    }
  }

  async metadata(place: SecretPlace): Promise<SecretMetadata | undefined> {
    const secret = (await this.#enter('metadata', place))()
    if (secret === undefined) return undefined
    return {
      currentVersion: secret.latest,
      oldestVersion: 0,
      createdTime: CREATED_AT,
      updatedTime: CREATED_AT,
      maxVersions: 0,
      casRequired: false,
      deleteVersionAfter: '0s',
      customMetadata: new Map(secret.custom),
      versions: [...secret.versions].map(([version, { data, deletionTime }]) => ({
        version,
        createdTime: CREATED_AT,
        deletionTime,
        destroyed: data === undefined,
      })),
    }
  }

  async patchMetadata(place: SecretPlace, members: ReadonlyMap<string, string>): Promise<void> {
    const secret = (await this.#enter('patchMetadata', place))()
    if (secret === undefined) throw new ProviderError('SECRET_NOT_FOUND')
    for (const [name, value] of members) secret.custom.set(name, value)
  }

  async list(place: SecretPlace) {
    await this.#enter('list', place)
    const start = `${pathOf(place)}/`
    const names = new Map<string, { name: string; kind: 'secret' | 'folder' }>()
    for (const path of this.secrets.keys()) {
      if (!path.startsWith(start)) continue
      const [name = '', ...below] = path.slice(start.length).split('/')
      const kind = below.length === 0 ? 'secret' : 'folder'
      names.set(`${kind} ${name}`, { name, kind })
    }
    return [...names.values()]
  }
}

function pinned(secret: Secret | undefined, version: number): PinnedSecret {
  const found = secret?.versions.get(version)
  if (found === undefined) return { kind: 'absent' }
  if (found.data === undefined) return { kind: 'destroyed', version }
  if (found.deletionTime !== '') return { kind: 'deleted', version }
  return { kind: 'found', version, data: new Map(found.data) }
}

function tokenOf(secret: Secret | undefined): string {
  if (secret === undefined || secret.latest === 0) return '0'
  const { kind } = pinned(secret, secret.latest)
  return kind === 'found' ? `${secret.latest}` : `${secret.latest} ${kind}`
}

function check(secret: Secret | undefined, cas: string | undefined): void {
  if (cas !== undefined && cas !== tokenOf(secret)) throw new ProviderError('CAS_MISMATCH')
}

/** Secrets without versions. */
export class PlainMemory implements SecretProvider {
  readonly name = 'yaml'
  readonly capabilities = {
    versions: false,
    customMetadata: false,
    list: false,
    entries: true,
    nested: false,
  }
  readonly readVersion: SecretProvider['readVersion'] = UNSUPPORTED_OPERATIONS.readVersion
  readonly destroy: SecretProvider['destroy'] = UNSUPPORTED_OPERATIONS.destroy
  readonly undelete: SecretProvider['undelete'] = UNSUPPORTED_OPERATIONS.undelete
  readonly destroyVersions: SecretProvider['destroyVersions'] =
    UNSUPPORTED_OPERATIONS.destroyVersions
  readonly metadata: SecretProvider['metadata'] = UNSUPPORTED_OPERATIONS.metadata
  readonly patchMetadata: SecretProvider['patchMetadata'] = UNSUPPORTED_OPERATIONS.patchMetadata
  readonly list: SecretProvider['list'] = UNSUPPORTED_OPERATIONS.list
  readonly secrets: Map<string, { data: SecretMap; serial: number }> = new Map()
  readonly #gate: Gate
  #serial = 0

  constructor(gate: Gate = async () => {}) {
    this.#gate = gate
  }

  async read(place: SecretPlace): Promise<CurrentSecret> {
    await this.#gate('read')
    const token = this.#token(place)
    const secret = this.secrets.get(pathOf(place))
    if (secret === undefined) return { kind: 'absent', token }
    return { kind: 'found', data: new Map(secret.data), version: null, token }
  }

  async write(place: SecretPlace, data: SecretMap, options: { cas?: string } = {}) {
    await this.#gate('write')
    this.#check(place, options.cas)
    const first = !this.secrets.has(pathOf(place))
    this.secrets.set(pathOf(place), { data: new Map(data), serial: ++this.#serial })
    return { version: null, first }
  }

  async remove(place: SecretPlace, cas: string): Promise<void> {
    await this.#gate('remove')
    this.#check(place, cas)
    this.secrets.delete(pathOf(place))
  }

  async entries(place: SecretPlace) {
    await this.#gate('entries')
    const start = pathOf(place)
    return [...this.secrets]
      .filter(([path]) => `${path}/`.startsWith(`${start}/`))
      .map(([path, { data }]) => {
        const [mount = '', ...segments] = path.split('/')
        return { mount, segments, keys: [...data.keys()] }
      })
  }

  #token(place: SecretPlace): string {
    return String(this.secrets.get(pathOf(place))?.serial ?? 'absent')
  }

  #check(place: SecretPlace, cas: string | undefined): void {
    if (cas !== undefined && cas !== this.#token(place)) throw new ProviderError('CAS_MISMATCH')
  }
}
