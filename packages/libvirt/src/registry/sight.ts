/** What one caller can see of the secrets in a registry. */
import { LIMITS, type RegistryApi, type RequestOf } from '@secreg/protocol'
import { LIBVIRT_DIALECT } from '../dialect/libvirt-dialect.ts'
import { LIBVIRT_MOUNT, secretPath } from '../dialect/path.ts'
import { usageKey } from '../dialect/usage.ts'
import type { SecretDefinition, SecretUsage } from '../secret/types.ts'
import { LIBVIRT_ERRORS } from '../wire/errors.ts'
import { isXmlText } from '../xml/xml-text.ts'
import { definitionOf, malformed } from './answer-shape.ts'
import { isNotFound, reasonOf, told } from './refusals.ts'

type SeenMeta = Exclude<RequestOf<'meta'>, { readonly op: 'set' }>

/** What of the registry is needed to look. */
export interface LibvirtReads {
  list(request: RequestOf<'list'>): ReturnType<RegistryApi['list']>
  meta(request: SeenMeta): ReturnType<RegistryApi['meta']>
}

export class Sight {
  readonly #reads: LibvirtReads
  readonly #further: LibvirtReads

  /** @param further - for what goes on with a list that `reads` has begun; default the same */
  constructor(reads: LibvirtReads, further: LibvirtReads = reads) {
    this.#reads = reads
    this.#further = further
  }

  async list(): Promise<readonly SecretDefinition[]> {
    const found: SecretDefinition[] = []
    let after: string | undefined
    do {
      const page = await this.#page(after)
      if (page === undefined) return []
      for (const entry of page.entries) {
        const definition = definitionOf(entry)
        if (definition !== undefined) found.push(definition)
      }
      if (page.next !== undefined && page.next === after) throw malformed()
      after = page.next
    } while (after !== undefined)
    return found
  }

  /** @throws LibvirtError 66 */
  async lookup(uuid: string): Promise<SecretDefinition> {
    const seen = await this.see(uuid)
    if (typeof seen === 'string') throw LIBVIRT_ERRORS.noSecret(uuid)
    return seen
  }

  /** What may be seen of a secret: itself, that there is none, or nothing at all. */
  async see(uuid: string): Promise<SecretDefinition | 'none' | 'hidden'> {
    try {
      const definition = definitionOf(await this.#reads.meta({ op: 'get', key: secretPath(uuid) }))
      if (definition === undefined) throw malformed()
      return definition
    } catch (error) {
      if (reasonOf(error) === 'ACCESS_DENIED') return 'hidden'
      if (isNotFound(error)) return 'none'
      throw told(error)
    }
  }

  async find(usage: SecretUsage): Promise<SecretDefinition | undefined> {
    const unique = usageKey(usage)
    // What is longer, or cannot be said in XML, is no secret's.
    if (unique === undefined || unique.length > LIMITS.uniqueChars || !isXmlText(unique)) {
      return undefined
    }
    try {
      const dialect = LIBVIRT_DIALECT.name
      const found = definitionOf(await this.#reads.meta({ op: 'find', dialect, unique }))
      if (found === undefined) throw malformed()
      return found
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw told(error)
    }
  }

  /** @returns `undefined` when the caller may list nothing at all */
  async #page(after: string | undefined) {
    try {
      const reads = after === undefined ? this.#reads : this.#further
      const { entries, next } = await reads.list({
        prefix: LIBVIRT_MOUNT,
        detail: true,
        metadata: true,
        unset: true,
        limit: LIMITS.listKeys,
        ...(after === undefined ? {} : { after }),
      })
      if (!Array.isArray(entries)) throw malformed()
      return { entries, next }
    } catch (error) {
      if (reasonOf(error) === 'ACCESS_DENIED') return undefined
      throw told(error)
    }
  }
}
