/** What of a registry's answers is relied on, checked. */
import { decodeBase64, type GetResponse, type ListEntry, SecregError } from '@secreg/protocol'
import { uuidOfPath } from '../dialect/path.ts'
import { usageOf } from '../dialect/usage.ts'
import type { SecretDefinition } from '../secret/types.ts'
import { isXmlText } from '../xml/xml-text.ts'

const encoder = new TextEncoder()

/** What an entry says of a secret: of a listing, of metadata. */
export type DescribedEntry = Pick<
  ListEntry,
  'key' | 'private' | 'ephemeral' | 'description' | 'custom'
>

/** The secret that an entry is; `undefined` when it is none, or may not be described. */
export function definitionOf(entry: DescribedEntry): SecretDefinition | undefined {
  const { key, private: isPrivate, ephemeral, description, custom = {} } = entry
  const uuid = typeof key === 'string' ? uuidOfPath(key) : undefined
  if (uuid === undefined || typeof isPrivate !== 'boolean' || typeof ephemeral !== 'boolean') {
    return undefined
  }
  return {
    uuid,
    ...(isDescription(description) ? { description } : {}),
    usage: usageOf(custom),
    ephemeral,
    private: isPrivate,
  }
}

/** What the registry's own door has written and XML cannot hold is none. */
function isDescription(text: unknown): text is string {
  return typeof text === 'string' && text !== '' && isXmlText(text)
}

/**
 * Bytes of a value, whatever its type.
 *
 * @returns a fresh copy
 */
export function bytesOf({ value, type }: GetResponse): Uint8Array {
  if (typeof value !== 'string') throw malformed()
  return type === 'bytes' ? decodeBase64(value) : encoder.encode(value)
}

export function malformed(): SecregError {
  return new SecregError('INTERNAL', 'the registry answered something else than was asked for')
}
