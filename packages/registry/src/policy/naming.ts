/** Which policies speak of a principal. */
import { type Document, rulesOf, sourceOf } from './document-facts.ts'

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
  return namesInAcls(document, principal) || namesInTemplates(document, principal)
}

/** Whether a document for everybody says something else of each: its patterns have templates. */
export function isPersonal(document: Document): boolean {
  const { principals } = document as { readonly principals?: readonly string[] }
  return principals?.includes('*') === true && templatesOf(document).length > 0
}

/** A group is asked for by its id or its name, which are the same. */
function namesInTemplates(document: Document, principal: string): boolean {
  const group = /^group:(.+)$/.exec(principal)?.[1]
  if (group === undefined) return false
  const asked = [`identity.groups.ids.${group}.name`, `identity.groups.names.${group}.id`]
  return templatesOf(document).some((pattern) => asked.some((one) => pattern.includes(one)))
}

/** Patterns of Vault policies that are filled in for each subject. */
function templatesOf(document: Document): readonly string[] {
  const { policies } = document as { readonly policies?: readonly { readonly path: object }[] }
  if (sourceOf(document) !== 'vault' || policies === undefined) return []
  return policies.flatMap(({ path }) => Object.keys(path)).filter((text) => text.includes('{{'))
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
