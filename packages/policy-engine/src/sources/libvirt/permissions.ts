/** Permissions of libvirt's access control and what they are here (specs/libvirt.md §10). */

import type { Action } from '../../action.ts'
import { inverted } from '../source.ts'

/** `object:permission` as in libvirt's polkit rules; `connect` is the mount, `secret` an entry. */
export type LibvirtPermission =
  | 'connect:getattr'
  | 'connect:read'
  | 'connect:write'
  | 'connect:search-secrets'
  | 'secret:getattr'
  | 'secret:read'
  | 'secret:write'
  | 'secret:read-secure'
  | 'secret:save'
  | 'secret:delete'

/** What each permission stands for. An action needs all permissions of the object that have it. */
export const LIBVIRT_ACTIONS: Readonly<Record<LibvirtPermission, readonly Action[]>> =
  Object.freeze({
    'connect:getattr': ['read-metadata'],
    // Capabilities and settings of the host, none of which are entries.
    'connect:read': [],
    'connect:write': [],
    'connect:search-secrets': ['list', 'watch'],
    'secret:getattr': ['list', 'watch'],
    'secret:read': ['read-metadata'],
    // Defining needs both write and save, setting a value only write.
    'secret:write': ['create', 'update', 'write-metadata'],
    'secret:save': ['create', 'write-metadata'],
    'secret:read-secure': ['read', 'decrypt'],
    'secret:delete': ['delete', 'purge'],
  })

/** The permissions that an action needs, on the mount and on an entry together. */
export const LIBVIRT_WORDS: ReadonlyMap<Action, readonly LibvirtPermission[]> =
  inverted(LIBVIRT_ACTIONS)

/** Tell whether a text is a permission. */
export function isLibvirtPermission(text: string): text is LibvirtPermission {
  return Object.hasOwn(LIBVIRT_ACTIONS, text)
}
