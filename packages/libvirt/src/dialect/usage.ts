/**
 * What a secret is for, as custom metadata of its entry: `usage_type` (`volume`, `ceph`, `iscsi`, `tls`, `vtpm`) and
 * `usage_id`, both or neither. What the registry's own door has written there and is no usage counts as none.
 */

import { type SecretUsage, USAGE_NUMBERS, type UsageType } from '../secret/types.ts'
import { isXmlText } from '../xml/xml-text.ts'

const TYPE = 'usage_type'
const ID = 'usage_id'

const NONE: SecretUsage = Object.freeze({ type: 'none', id: '' })

/** Whether a text names a use that libvirt knows, `none` included. */
export function isUsageType(text: unknown): text is UsageType {
  return typeof text === 'string' && Object.hasOwn(USAGE_NUMBERS, text)
}

export function usageOf(custom: Readonly<Record<string, string>>): SecretUsage {
  const type = Object.hasOwn(custom, TYPE) ? custom[TYPE] : undefined
  const id = Object.hasOwn(custom, ID) ? custom[ID] : undefined
  if (!isUsageType(type) || type === 'none' || id === undefined || id === '') return NONE
  if (!isXmlText(id)) return NONE
  return { type, id }
}

/** Metadata that says it; `null` takes a member away. */
export function membersOf({ type, id }: SecretUsage): Readonly<Record<string, string | null>> {
  return type === 'none' ? { [TYPE]: null, [ID]: null } : { [TYPE]: type, [ID]: id }
}

/** Metadata of a secret that has nothing else there. */
export function customOf({ type, id }: SecretUsage): Readonly<Record<string, string>> {
  return type === 'none' ? {} : { [TYPE]: type, [ID]: id }
}

/** What no two secrets may share; `undefined` for a secret that is for nothing. */
export function usageKey({ type, id }: SecretUsage): string | undefined {
  return type === 'none' ? undefined : `${type} ${id}`
}
