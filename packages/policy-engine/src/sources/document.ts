/** Foreign policy documents as they are written (DESIGN §7, "Sources"): told from native ones by the member `source`. */

import type { Acl } from './acl/types.ts'
import type { LibvirtRule } from './libvirt/source.ts'
import type { SetecRule } from './setec/rules.ts'
import type { VaultPolicy } from './vault/acl.ts'

/** Where the rules of a foreign document come from. */
export type SourceKind = 'vault' | 'setec' | 'acl' | 'libvirt'

/** What all foreign documents have. */
export interface ForeignDocumentHead {
  /** As a native document's id. */
  readonly id: string
  readonly source: SourceKind
  /** For people; has no effect. */
  readonly description?: string
  /** The document applies to subjects that have one of them; `*` is any subject with a principal. */
  readonly principals: readonly string[]
  /** The document speaks about this path and what is below it. */
  readonly mount: string
}

/** Vault policies for one KV v2 mount. All that apply to a subject are one rule set. */
export interface VaultDocument extends ForeignDocumentHead {
  readonly source: 'vault'
  /** The mount in paths of the API: entry `MOUNT/a` is `APIMOUNT/data/a`. One per mount. */
  readonly apiMount: string
  readonly policies: readonly VaultPolicy[]
}

/** Rules of setec; each secret is one segment below the mount. */
export interface SetecDocument extends ForeignDocumentHead {
  readonly source: 'setec'
  readonly rules: readonly SetecRule[]
}

/** ACLs of SecReg by path. */
export interface AclDocument extends ForeignDocumentHead {
  readonly source: 'acl'
  /** By absolute path, at or below the mount. */
  readonly acls: Readonly<Record<string, Acl>>
}

/** Permissions of libvirt; each secret is its UUID below the mount. */
export interface LibvirtDocument extends ForeignDocumentHead {
  readonly source: 'libvirt'
  readonly rules: readonly LibvirtRule[]
}

/** A policy document that is not native. */
export type ForeignDocument = VaultDocument | SetecDocument | AclDocument | LibvirtDocument
