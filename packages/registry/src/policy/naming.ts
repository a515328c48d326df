/** Which policies speak of a principal. */
import { type Document, rulesOf } from './document-facts.ts'

/**
 * Ids of the documents that name a principal, sorted.
 *
 * @param principal - as it is stored
 */
export function policiesNaming(
  documents: ReadonlyMap<string, Document>,
  principal: string,
): readonly string[] {
  return [...documents]
    .filter(([, document]) => names(document, principal))
    .map(([id]) => id)
    .sort()
}

/** Whether a document gives something to a principal by its name, or takes it away. */
export function names(document: Document, principal: string): boolean {
  const { principals } = document as { readonly principals?: readonly string[] }
  if (principals?.includes(principal) === true) return true
  if (rulesOf(document).some((rule) => rule.principals?.includes(principal) === true)) return true
  return namesInAcls(document, principal)
}

interface AclText {
  readonly owner?: unknown
  readonly owner_group?: unknown
  readonly permissions?: readonly { principal_type?: unknown; principal_name?: unknown }[]
}

function namesInAcls({ acls }: Document, principal: string): boolean {
  if (typeof acls !== 'object' || acls === null) return false
  return Object.values(acls as Readonly<Record<string, AclText>>).some(
    ({ owner, owner_group: ownerGroup, permissions = [] }) =>
      principal === owner ||
      principal === `group:${ownerGroup}` ||
      permissions.some((one) => principal === `${one.principal_type}:${one.principal_name}`),
  )
}
