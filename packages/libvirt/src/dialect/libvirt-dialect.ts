/**
 * The write rules of libvirt's secrets (specs: libvirt, secret_driver.c and virSecretObjListAdd; where it differs on
 * purpose is said at the line). A definition replaces all attributes and keeps the value. The registry keeps ten
 * versions of it; libvirt shows the active one. What the registry's own door has deleted is not there.
 */
import {
  type Dialect,
  type DialectEntry,
  type DialectOperation,
  type DialectOutcome,
  SecregError,
} from '@secreg/protocol'
import { uuidOfPath } from './path.ts'
import { readDefine, readNothing, readSetValue } from './request.ts'
import { customOf, membersOf, usageKey, usageOf } from './usage.ts'

/** Answer of every operation. */
const DONE: Readonly<Record<string, never>> = Object.freeze({})

function define(entry: DialectEntry, request: unknown): DialectOutcome {
  requireSecret(entry)
  const { description = null, usage, ephemeral, private: isPrivate } = readDefine(request)
  if (isThere(entry)) {
    // The type may change, as in libvirt; that the pair stays unique is the registry's matter, unlike there.
    if (usageOf(entry.custom).id !== usage.id) {
      throw new SecregError('IN_USE', 'the secret is defined for another use')
    }
    if (entry.isPrivate && !isPrivate) {
      throw new SecregError('INVALID_ARGUMENT', 'a private secret stays private')
    }
  }
  const made = {
    do: 'define' as const,
    // Made ephemeral, nothing of it stays on disk; libvirt leaves the definition there.
    ephemeral,
    private: isPrivate,
    description,
    custom: membersOf(usage),
  }
  // A new secret does not begin with what an old one has left.
  return { effects: isLeft(entry) ? [{ do: 'purge' }, made] : [made], result: DONE }
}

/** As libvirt asks of the definition that is sent whether it may be made (virSecretDefineXMLEnsureACL). */
function makes(request: unknown): Readonly<Record<string, string>> | undefined {
  try {
    return customOf(readDefine(request).usage)
  } catch {
    return undefined
  }
}

/** Also of an equal value, so that everybody who watches is told. */
function setValue(entry: DialectEntry, request: unknown): DialectOutcome {
  requireSecret(entry)
  const value = readSetValue(request)
  requireThere(entry)
  return { effects: [{ do: 'put', value }], result: DONE }
}

/** Erase it with its history. */
function undefine(entry: DialectEntry, request: unknown): DialectOutcome {
  requireSecret(entry)
  readNothing(request)
  requireThere(entry)
  return { effects: [{ do: 'purge' }], result: DONE }
}

/** @throws SecregError `ERR_INVALID_ARGUMENT` */
function requireSecret({ path }: DialectEntry): void {
  if (uuidOfPath(path) === undefined) {
    throw new SecregError('INVALID_ARGUMENT', 'no secret of libvirt can have this path')
  }
}

/** @throws SecregError `ERR_NOT_FOUND` */
function requireThere(entry: DialectEntry): void {
  if (!isThere(entry)) throw new SecregError('NOT_FOUND', 'no such secret')
}

function isThere({ exists, isDeleted }: DialectEntry): boolean {
  return exists && !isDeleted
}

function isLeft({ exists, isDeleted }: DialectEntry): boolean {
  return exists && isDeleted
}

/** The operations that write. */
export type LibvirtWrite = 'define' | 'set-value' | 'undefine'

export interface LibvirtDialect extends Dialect {
  readonly operations: Readonly<Record<LibvirtWrite, DialectOperation>>
}

const OPERATIONS: LibvirtDialect['operations'] = Object.freeze({
  // libvirt's own rights to define are `write` and `save`, which each of these two needs.
  define: {
    action: (_, isPresent) => (isPresent ? 'write-metadata' : 'create'),
    audit: 'write',
    makes,
    plan: define,
  },
  'set-value': { action: 'update', audit: 'write', plan: setValue },
  undefine: { action: 'purge', audit: 'purge', plan: undefine },
})

/**
 * The write rules of libvirt, for the registry. Values have the type `bytes` and are always encrypted; a pair of usage
 * type and id is one secret's only.
 */
export const LIBVIRT_DIALECT: LibvirtDialect = Object.freeze<LibvirtDialect>({
  name: 'libvirt',
  encrypted: true,
  maxVersions: 10,
  maxVersion: 999_999_999_999,
  activatesNew: true,
  unique: ({ path, isDeleted, custom }) =>
    isDeleted || uuidOfPath(path) === undefined ? undefined : usageKey(usageOf(custom)),
  usage: ({ path, custom }) => (uuidOfPath(path) === undefined ? undefined : usageOf(custom)),
  operations: OPERATIONS,
})
