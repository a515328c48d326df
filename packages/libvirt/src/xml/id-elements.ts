/** The element that holds the id of a use (formatsecret.html, "Usage type"). */
import type { UsageType } from '../secret/types.ts'

/** A use that something names. */
export type IdentifiedType = Exclude<UsageType, 'none'>

export const ID_ELEMENTS: Readonly<Record<IdentifiedType, 'volume' | 'name' | 'target'>> =
  Object.freeze({ volume: 'volume', ceph: 'name', iscsi: 'target', tls: 'name', vtpm: 'name' })

/** Whether a text names a use that has an id. */
export function isIdentifiedType(type: string): type is IdentifiedType {
  return Object.hasOwn(ID_ELEMENTS, type)
}
