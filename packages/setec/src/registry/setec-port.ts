/**
 * Secrets of setec that are in a registry (DESIGN §4), as one caller of the registry sees them. The registry decides,
 * records and does everything; here is only what the two call it.
 */
import {
  encodeBase64,
  LIMITS,
  type ListEntry,
  type RegistryApi,
  type RequestOf,
  SecregError,
} from '@secreg/protocol'
import { isReservedName, isVersion, type SecretInfo } from '../api/secret.ts'
import { SETEC_MOUNT, setecName, setecPath } from '../dialect/path.ts'
import { SETEC_DIALECT, type SetecWrite } from '../dialect/setec-dialect.ts'
import type { PortValue, SetecPort } from '../server/port.ts'
import { base64Of, malformed, versionsOf } from './answer-shape.ts'

/** What of the registry is needed. */
export type SetecRegistryApi = Pick<RegistryApi, 'get' | 'list' | 'meta' | 'dialect'>

/** Entries of one page of a listing: each page leaves a record of its own, so that there are as few as can be. */
const PAGE_ENTRIES = LIMITS.listKeys

/**
 * See the secrets in a registry.
 *
 * @param api - of one caller
 * @returns a port for `serveSetec`; it keeps nothing, so that it can be made for each request
 */
export function setecPort(api: SetecRegistryApi): SetecPort {
  return new RegistryPort(api)
}

class RegistryPort implements SetecPort {
  readonly #api: SetecRegistryApi

  constructor(api: SetecRegistryApi) {
    this.#api = api
  }

  async list(): Promise<readonly SecretInfo[]> {
    const found: SecretInfo[] = []
    let after: string | undefined
    do {
      const page = await this.#page(after)
      if (page === undefined) return []
      for (const entry of page.entries) {
        const info = infoOf(entry)
        if (info !== undefined) found.push(info)
      }
      if (page.next !== undefined && page.next === after) throw malformed()
      after = page.next
    } while (after !== undefined)
    return found
  }

  async get(name: string, version: number): Promise<PortValue> {
    const found = await this.#get(name, version === 0 ? {} : { version })
    if (found === undefined) throw malformed()
    return found
  }

  getIfChanged(name: string, version: number): Promise<PortValue | undefined> {
    return this.#get(name, { if_changed: version })
  }

  async info(name: string): Promise<SecretInfo> {
    const key = setecPath(name)
    const answer = await allowed(name, this.#api.meta({ op: 'get', key, versions: true }))
    const versions = versionsOf(answer.versions)
    if (versions === undefined) throw malformed()
    if (!versions.includes(answer.active)) {
      throw new SecregError('VERSION_NOT_FOUND', 'the active version cannot be read')
    }
    return { Name: name, Versions: versions, ActiveVersion: answer.active }
  }

  async put(name: string, value: Uint8Array): Promise<number> {
    const version = await this.#write('put', name, { value: encodeBase64(value) })
    if (!isVersion(version)) throw malformed()
    return version
  }

  async createVersion(name: string, version: number, value: Uint8Array): Promise<void> {
    await this.#write('create-version', name, { version, value: encodeBase64(value) })
  }

  async activate(name: string, version: number): Promise<void> {
    await this.#write('activate', name, { version })
  }

  async deleteVersion(name: string, version: number): Promise<void> {
    await this.#write('delete-version', name, { version })
  }

  async delete(name: string): Promise<void> {
    await this.#write('delete', name, {})
  }

  /** @returns `undefined`: unchanged */
  async #get(
    name: string,
    which: Pick<RequestOf<'get'>, 'version' | 'if_changed'>,
  ): Promise<PortValue | undefined> {
    const key = setecPath(name)
    const answer = await allowed(name, this.#api.get({ key, decrypt: true, ...which }))
    if (answer.unchanged === true) return undefined
    const base64 = base64Of(answer)
    if (base64 === undefined || !isVersion(answer.version)) throw malformed()
    return { base64, version: answer.version }
  }

  async #write(
    operation: SetecWrite,
    name: string,
    request: Readonly<Record<string, unknown>>,
  ): Promise<unknown> {
    const key = setecPath(name)
    const dialect = SETEC_DIALECT.name
    const { result } = await this.#api.dialect({ dialect, operation, key, request })
    return result
  }

  /** @returns `undefined` when the caller may list nothing at all */
  async #page(
    after: string | undefined,
  ): Promise<{ readonly entries: readonly ListEntry[]; readonly next?: string } | undefined> {
    try {
      const { entries, next } = await this.#api.list({
        prefix: SETEC_MOUNT,
        detail: true,
        versions: true,
        limit: PAGE_ENTRIES,
        ...(after === undefined ? {} : { after }),
      })
      if (!Array.isArray(entries)) throw malformed()
      return { entries, ...(next === undefined ? {} : { next }) }
    } catch (error) {
      // setec tells such a caller that there is nothing, which is as much as he may know.
      if (SecregError.is(error) && error.reason === 'ACCESS_DENIED') return undefined
      throw error
    }
  }
}

/** @returns `undefined` for what setec has no name for, does not show, or cannot read */
function infoOf({ key, version, versions }: ListEntry): SecretInfo | undefined {
  const name = typeof key === 'string' ? setecName(key) : undefined
  if (name === undefined || name === '' || isReservedName(name)) return undefined
  const numbers = versionsOf(versions)
  if (numbers === undefined || !numbers.includes(version)) return undefined
  return { Name: name, Versions: numbers, ActiveVersion: version }
}

/**
 * Of a name that no secret can have, whatever the registry's own door has put there: only who may ask is told so.
 *
 * @throws what the registry refuses with; else SecregError `ERR_NOT_FOUND` for the empty name, `ERR_INVALID_ARGUMENT`
 *   for a reserved one
 */
async function allowed<T>(name: string, answer: Promise<T>): Promise<T> {
  if (name !== '' && !isReservedName(name)) return await answer
  try {
    await answer
  } catch (error) {
    if (!SecregError.is(error) || error.statusName !== 'NotFound') throw error
  }
  throw name === ''
    ? new SecregError('NOT_FOUND', 'no such secret')
    : new SecregError('INVALID_ARGUMENT', 'the name is reserved')
}
