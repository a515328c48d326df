/** What polkit answers where nobody wrote a rule (specs/libvirt.md §10): look, but do not touch or read values. */

import type { LibvirtDocument } from '../document.ts'
import type { LibvirtPermission } from './permissions.ts'

const DEFAULTS: readonly LibvirtPermission[] = Object.freeze([
  'connect:getattr',
  'connect:read',
  'connect:search-secrets',
  'secret:getattr',
  'secret:read',
])

/**
 * The document that equals the default answers of polkit with libvirt's access driver on.
 *
 * @param document id and mount; `principals` defaults to every caller
 */
export function polkitDefaults(document: {
  readonly id: string
  readonly mount: string
  readonly principals?: readonly string[]
}): LibvirtDocument {
  const { id, mount, principals = ['*'] } = document
  return {
    id,
    source: 'libvirt',
    principals,
    mount,
    rules: [{ permissions: DEFAULTS, secrets: ['*'] }],
  }
}
