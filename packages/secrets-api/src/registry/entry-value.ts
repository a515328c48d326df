/**
 * Values of entries as maps (DESIGN §4): an object of JSON is one; any other value is a map of one key, its text as
 * `value`, or of bytes their base64 as `value_base64`. An entry keeps its type: such a map, and no other, is written
 * back as the value that it stands for.
 */
import type { ValueType } from '@secreg/protocol'
import { ProviderError } from '../errors.ts'
import type { SecretMap } from '../provider/json-value.ts'
import { formatMembers, readMembers } from './json-text.ts'

const keyOf = (type: ValueType): string => (type === 'bytes' ? 'value_base64' : 'value')

/** @param text - of the value, as the registry tells it */
export function secretMapOfEntry(type: ValueType, text: string): SecretMap {
  const members = type === 'json' ? readMembers(text) : undefined
  if (members === undefined) return new Map([[keyOf(type), text]])
  return new Map([...members].map(([name, { value }]) => [name, value]))
}

/** The text of a new object. */
export function objectText(data: SecretMap): string {
  return formatMembers(data)
}

/**
 * The text of what takes the place of a value.
 *
 * @param present - its text
 * @throws ProviderError `INCOMPATIBLE_PAYLOAD` when it would be of another type
 */
export function textOver(type: ValueType, present: string, data: SecretMap): string {
  const members = type === 'json' ? readMembers(present) : undefined
  return members === undefined ? scalarText(type, data) : formatMembers(data, members)
}

/**
 * The text of a value that is no object.
 *
 * @throws ProviderError `INCOMPATIBLE_PAYLOAD`
 */
export function scalarText(type: ValueType, data: SecretMap): string {
  const value = data.get(keyOf(type))
  if (data.size !== 1 || typeof value !== 'string') {
    throw new ProviderError('INCOMPATIBLE_PAYLOAD')
  }
  return value
}
