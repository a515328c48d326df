/** Reading of foreign documents into the checked form. */

import type { ConditionScope } from '../condition.ts'
import { quote, Reader } from '../reader.ts'
import type { CompiledDocument, RuleSource } from '../rule.ts'
import { ACL_MEMBERS, type AclSource, readAcls } from './acl/source.ts'
import type { SourceKind } from './document.ts'
import { type ForeignHead, readHead } from './head.ts'
import { LIBVIRT_MEMBERS, type LibvirtSource, readLibvirt } from './libvirt/source.ts'
import { readSetec, SETEC_MEMBERS, type SetecSource } from './setec/source.ts'
import { readVault, VAULT_MEMBERS, type VaultSource } from './vault/source.ts'

/** A foreign document that was read. */
export type ForeignSource = VaultSource | SetecSource | AclSource | LibvirtSource

/** Tell whether a document says that it is foreign. */
export function isForeign(document: unknown): boolean {
  return typeof document === 'object' && document !== null && Object.hasOwn(document, 'source')
}

/** Read one foreign document. @throws PolicyError */
export function readForeign(
  document: unknown,
  documentIndex: number,
  source: RuleSource,
): CompiledDocument {
  const bare = new Reader(document, { documentIndex }).object()
  const kind = readKind(bare.member('source'))
  const { head, at } = readHead(bare, MEMBERS[kind], source.documentIds)
  const foreign = readSource(kind, at, head, source.scope)
  return { id: head.id, order: source.orderOf(head.id), rules: [], foreign }
}

function readSource(
  kind: SourceKind,
  at: Reader,
  head: ForeignHead,
  scope: ConditionScope,
): ForeignSource {
  switch (kind) {
    case 'vault':
      return readVault(at, head)
    case 'setec':
      return readSetec(at, head)
    case 'acl':
      return readAcls(at, head, scope)
    case 'libvirt':
      return readLibvirt(at, head)
  }
}

const MEMBERS: Readonly<Record<SourceKind, readonly string[]>> = {
  vault: VAULT_MEMBERS,
  setec: SETEC_MEMBERS,
  acl: ACL_MEMBERS,
  libvirt: LIBVIRT_MEMBERS,
}

function readKind(at: Reader): SourceKind {
  const text = at.text()
  if (Object.hasOwn(MEMBERS, text)) return text as SourceKind
  const known = Object.keys(MEMBERS).join(', ')
  throw at.error('ERR_POLICY_SHAPE', `source ${quote(text)} is not one of ${known}`)
}

/** How many rules a document holds: patterns, rules, or permissions with owners. */
export function rulesOf(source: ForeignSource): number {
  if (source.kind !== 'acl') return source.rules.length
  let count = 0
  for (const { owner, permissions } of source.acls.values()) {
    count += permissions.length + (owner === undefined ? 0 : 1)
  }
  return count
}

/** Principals that a document is attached to, and those that its rules name. */
export function principalsIn(source: ForeignSource): ReadonlySet<string> {
  const principals = new Set(source.principals)
  if (source.kind !== 'acl') return principals
  for (const { owner, permissions } of source.acls.values()) {
    if (owner !== undefined) principals.add(owner)
    for (const { principal } of permissions) principals.add(principal)
  }
  return principals
}
