/**
 * Policies are stored with ids in place of the names of accounts and zones, so that a name which is used again inherits
 * nothing, and shown with the names that the ids have now (DESIGN §7).
 */
import { SecregError } from '@secreg/protocol'
import type { Directory } from './directory.ts'
import { type Document, sourceOf } from './document-facts.ts'

/** How one principal is written, in one direction or the other; `pointer` is where it stands (RFC 6901). */
type Rewrite = (principal: string, pointer: string) => string

/**
 * Bind a document, as people write it, to ids.
 *
 * @returns a copy
 * @throws SecregError `ERR_PRINCIPAL_UNKNOWN` for a principal that is nobody here
 */
export function bindDocument(document: Document, directory: Directory): Document {
  return rewritten(document, (principal, pointer) => bound(principal, directory, pointer))
}

/**
 * Show a stored document with the names of today. What is gone keeps its id.
 *
 * @returns a copy
 */
export function showDocument(document: Document, directory: Directory): Document {
  return rewritten(document, (principal) => shownPrincipal(principal, directory))
}

/** One principal with the name of today. */
export function shownPrincipal(principal: string, directory: Directory): string {
  const [kind, name] = parted(principal)
  if (kind === 'account') {
    const login = directory.loginOf(name)
    return login === undefined ? principal : `user:${login}`
  }
  if (kind === 'zone') return `zone:${directory.zoneNameOf(name) ?? name}`
  return principal
}

/**
 * Bind one principal.
 *
 * @throws SecregError `ERR_PRINCIPAL_UNKNOWN`
 */
export function bindPrincipal(principal: string, directory: Directory): string {
  return bound(principal, directory)
}

function bound(principal: string, directory: Directory, pointer?: string): string {
  if (principal === '*') return principal
  const [kind, name] = parted(principal)
  switch (kind) {
    case 'user': {
      const id = directory.accountOf(name)?.id
      if (id !== undefined) return `account:${id}`
      break
    }
    case 'account':
      if (directory.loginOf(name) !== undefined || isIssued(name)) return principal
      break
    case 'zone': {
      const id = directory.zoneIdOf(name)
      if (id !== undefined) return `zone:${id}`
      break
    }
    case 'role':
    case 'group':
      if (directory.has(kind, name)) return principal
      break
    case 'uid':
      if (/^(?:0|[1-9]\d{0,9})$/.test(name)) return principal
      break
    case 'boundary':
      if (name !== '') return principal
      break
    default:
  }
  throw new SecregError(
    'PRINCIPAL_UNKNOWN',
    `principal ${JSON.stringify(principal.slice(0, 100))} is nobody here: expected *, or user:, role:, group:, zone:, uid: or boundary: and a name that there is, or account:auth:account:ISSUER:SUBJECT`,
    pointer === undefined ? {} : { pointer },
  )
}

/**
 * Whether a name is that of an account elsewhere, `auth:account:<issuer>:<sub>`, which nobody here can look up. Those of
 * `secreg` are accounts of this registry, and have one name only.
 */
function isIssued(name: string): boolean {
  return /^auth:account:(?!secreg:)[^:]+:./u.test(name)
}

function parted(principal: string): [string, string] {
  const colon = principal.indexOf(':')
  return colon === -1 ? ['', principal] : [principal.slice(0, colon), principal.slice(colon + 1)]
}

function rewritten(document: Document, rewrite: Rewrite): Document {
  if (sourceOf(document) !== 'native') {
    const copy = withPrincipals(document, rewrite, '')
    return sourceOf(document) === 'acl' ? withAclNames(copy, rewrite) : copy
  }
  const { rules } = document
  if (!Array.isArray(rules)) return document
  return {
    ...document,
    rules: rules.map((rule, at) => withPrincipals(rule, rewrite, `/rules/${at}`)),
  }
}

/** A member that is not what it should be stays as it is: the policy engine has the word on it. */
function withPrincipals<T>(holder: T, rewrite: Rewrite, pointer: string): T {
  if (typeof holder !== 'object' || holder === null) return holder
  const { principals } = holder as { readonly principals?: unknown }
  if (!Array.isArray(principals)) return holder
  return {
    ...holder,
    principals: principals.map((one, at) =>
      typeof one === 'string' ? rewrite(one, `${pointer}/principals/${at}`) : one,
    ),
  }
}

interface AclText {
  readonly owner?: unknown
  readonly owner_group?: unknown
  readonly permissions?: unknown
}

/** Owners and principals of the access control lists of SecReg-Linux, which have names of their own form. */
function withAclNames(document: Document, rewrite: Rewrite): Document {
  const { acls } = document
  if (typeof acls !== 'object' || acls === null) return document
  const renamed = Object.entries(acls).map(([path, acl]) => {
    const token = path.replaceAll('~', '~0').replaceAll('/', '~1')
    return [path, aclNames(acl, rewrite, `/acls/${token}`)]
  })
  return { ...document, acls: Object.fromEntries(renamed) }
}

function aclNames(acl: unknown, rewrite: Rewrite, pointer: string): unknown {
  if (typeof acl !== 'object' || acl === null) return acl
  const { owner, owner_group: ownerGroup, permissions } = acl as AclText
  return {
    ...acl,
    ...(typeof owner === 'string'
      ? { owner: ownerName(owner, 'user', (one) => rewrite(one, `${pointer}/owner`)) }
      : {}),
    ...(typeof ownerGroup === 'string'
      ? {
          owner_group: ownerName(ownerGroup, 'group', (one) =>
            rewrite(one, `${pointer}/owner_group`),
          ),
        }
      : {}),
    ...(Array.isArray(permissions)
      ? {
          permissions: permissions.map((one, at) =>
            permissionNames(one, (name) =>
              rewrite(name, `${pointer}/permissions/${at}/principal_name`),
            ),
          ),
        }
      : {}),
  }
}

function ownerName(
  owner: string,
  kind: 'user' | 'group',
  rewrite: (principal: string) => string,
): string {
  const renamed = rewrite(owner.includes(':') ? owner : `${kind}:${owner}`)
  return renamed.startsWith(`${kind}:`) ? renamed.slice(kind.length + 1) : renamed
}

function permissionNames(permission: unknown, rewrite: (principal: string) => string): unknown {
  if (typeof permission !== 'object' || permission === null) return permission
  const { principal_type: type, principal_name: name } = permission as Record<string, unknown>
  if (typeof type !== 'string' || typeof name !== 'string') return permission
  const [kind, renamed] = parted(rewrite(`${type}:${name}`))
  return { ...permission, principal_type: kind, principal_name: renamed }
}
