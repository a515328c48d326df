/**
 * The policy documents that a new registry starts with (SecReg-Linux docs, "Roles"). They are data: stored, visible
 * and editable like any other; nothing in the code knows a role.
 */
import { type PolicyDocument, SECRET_SCHEMES } from '@secreg/policy-engine'

/** Everything that is kept elsewhere. */
const ELSEWHERE: readonly string[] = SECRET_SCHEMES.map((scheme) => `${scheme}://**`)

/** Administrators do everything but read secrets; operators read and write; auditors read, and read the log. */
export const ROLE_POLICIES: readonly PolicyDocument[] = [
  {
    id: 'role-admin',
    rules: [
      {
        id: 'entries',
        effect: 'allow',
        principals: ['role:admin'],
        actions: [
          'list',
          'read-metadata',
          'read',
          'watch',
          'create',
          'update',
          'patch',
          'create-version',
          'activate',
          'delete',
          'undelete',
          'destroy',
          'purge',
          'write-metadata',
          'grant',
          'export',
        ],
        resources: ['/', '/**'],
      },
      {
        id: 'elsewhere',
        effect: 'allow',
        principals: ['role:admin'],
        actions: [
          'list',
          'read-metadata',
          'read',
          'create',
          'update',
          'delete',
          'undelete',
          'destroy',
          'write-metadata',
          'grant',
          'policy-read',
        ],
        resources: ELSEWHERE,
      },
      {
        id: 'administration',
        effect: 'allow',
        principals: ['role:admin'],
        actions: [
          'account',
          'policy',
          'policy-read',
          'mount',
          'audit-read',
          'seal',
          'rotate',
          'backup',
        ],
        resources: ['/', '/**'],
      },
    ],
  },
  {
    id: 'role-operator',
    rules: [
      {
        id: 'entries',
        effect: 'allow',
        principals: ['role:operator'],
        actions: ['list', 'read-metadata', 'read', 'watch', 'create', 'update', 'export'],
        resources: ['/', '/**'],
      },
      {
        id: 'not-security',
        effect: 'deny',
        principals: ['role:operator'],
        actions: ['list', 'read-metadata', 'read', 'watch', 'create', 'update', 'export'],
        resources: ['/security', '/security/**'],
      },
    ],
  },
  {
    id: 'role-auditor',
    rules: [
      {
        id: 'entries',
        effect: 'allow',
        principals: ['role:auditor'],
        actions: ['list', 'read-metadata', 'read', 'watch'],
        resources: ['/', '/**'],
      },
      {
        id: 'log',
        effect: 'allow',
        principals: ['role:auditor'],
        actions: ['audit-read', 'policy-read'],
        resources: ['/', '/**'],
      },
      {
        id: 'not-security',
        effect: 'deny',
        principals: ['role:auditor'],
        actions: ['list', 'read-metadata', 'read', 'watch'],
        resources: ['/security', '/security/**'],
      },
    ],
  },
]

/** The first administrator of `init` reads secrets; later ones need a policy that says so (DESIGN §3). */
export function firstAdministratorPolicy(accountId: string): PolicyDocument {
  return secretsPolicy('first-administrator', accountId)
}

/** The same for one whom break-glass has made: it was a protector of the root key that said so. */
export function recoveredAdministratorPolicy(accountId: string): PolicyDocument {
  return secretsPolicy(`recovered-administrator-${accountId}`, accountId)
}

function secretsPolicy(id: string, accountId: string): PolicyDocument {
  return {
    id,
    rules: [
      {
        id: 'secrets',
        effect: 'allow',
        principals: [`account:${accountId}`],
        actions: ['decrypt', 'use-internal'],
        resources: ['/**'],
      },
      {
        id: 'elsewhere',
        effect: 'allow',
        principals: [`account:${accountId}`],
        actions: ['decrypt'],
        resources: ELSEWHERE,
      },
    ],
  }
}

/** Id of the policy that gives an account its own subtree. */
export function homePolicyId(accountId: string): string {
  return `home-${accountId}`
}

/** Whether a policy is one that gives an account its own subtree. */
export function isHomePolicy(id: string): boolean {
  return /^home-[0-9a-f]{32}$/.test(id)
}

/** Everything below `/user/<login>` belongs to its user (specs: default ACL of new users). */
export function homePolicy(accountId: string, login: string): PolicyDocument {
  return {
    id: homePolicyId(accountId),
    rules: [
      {
        id: 'home',
        effect: 'allow',
        principals: [`account:${accountId}`],
        actions: [
          'list',
          'read-metadata',
          'read',
          'decrypt',
          'watch',
          'create',
          'update',
          'delete',
          'undelete',
          'export',
        ],
        resources: [`/user/${login}`, `/user/${login}/**`],
      },
    ],
  }
}
