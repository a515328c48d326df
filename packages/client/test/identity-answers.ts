import type { ResponseOf } from '@secreg/protocol'

const unmet = [{ clause: 'when', condition: 'mfa', wants: 'true', unknown: true }] as const
const rule = { rule: 'web/read', effect: 'allow', applies: false, unmet } as const

/** Answers about identities and policies, with every member that there can be. */
export const IDENTITY_ANSWERS = {
  user: {
    users: [
      {
        user: 'alice',
        account: 'a1',
        roles: ['operator'],
        groups: ['web'],
        disabled: false,
        system: false,
        password: true,
        mfa: true,
        uids: [1000],
        tokens: 2,
        created_at: 1,
        modified_at: 2,
      },
    ],
    next: 'alice',
  },
  whoami: {
    user: 'alice',
    account: 'a1',
    roles: ['operator'],
    groups: ['web'],
    mfa: false,
    proof: 'credential',
    door: 'registry',
    token: '0123456789abcdef',
    boundary: ['ci'],
    restricted: 'mfa-enrollment',
  },
  group: {
    groups: [
      {
        name: 'web',
        description: 'x',
        built_in: true,
        members: ['alice'],
        policies: ['p'],
        created_at: 1,
      },
    ],
  },
  token: {
    tokens: [
      {
        token: '0123456789abcdef',
        user: 'alice',
        label: 'ci',
        boundary: ['p'],
        created_at: 1,
        expires_at: 2,
        uses_left: 3,
      },
    ],
    secret: 's',
  },
  zone: {
    zones: [
      {
        zone: 'mail',
        zone_id: 'z',
        description: '',
        allow_passwd: true,
        allow_tokens: true,
        allow_passwd_auth: false,
        auto_create: false,
        http: false,
        max_temp_validity_s: 0,
        trusted_uids: [8],
        configured: true,
      },
    ],
    accounts: [
      {
        zone: 'mail',
        login: 'alice',
        password: true,
        password_modified_at: 1,
        allow_passwd_auth: false,
        tokens: [{ ident: '00ff', comment: '', modified_at: 1 }],
      },
    ],
    secret: 's',
    ident: '00ff',
    matches: true,
  },
  mfa: {
    state: 'on',
    secret: 's',
    uri: 'otpauth://totp/x',
    recovery_codes: ['c'],
    recovery_codes_left: 9,
  },
  policy: {
    policies: [{ policy: 'web', description: 'x', source: 'native', rules: 2, revision: 3 }],
    next: 'web',
    document: {},
    revision: 3,
    decisions: [
      { decision: 'deny', reason: 'condition not met', rules: [rule], as_expected: true },
    ],
    grants: [{ principal: 'user:alice', account: 'a1', rules: ['web/read'] }],
    abilities: [{ ...rule, resources: ['/app/**'], actions: ['read'] }],
    findings: [
      { code: 'shadowed', severity: 'warning', rule: 'web/read', by: ['web/all'], message: 'm' },
    ],
    changes: [
      {
        principals: ['role:operator'],
        actions: ['read'],
        resource: '/app/x',
        patterns: ['/app/**'],
        before: { decision: 'deny', rules: [] },
        after: { decision: 'conditional', rules: ['web/read'] },
      },
    ],
    complete: true,
  },
} satisfies { readonly [N in keyof ResponseOf]?: ResponseOf[N] }
