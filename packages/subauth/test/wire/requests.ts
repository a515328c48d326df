/** Requests of every command, and any of them for properties. */
import type { SubauthRequest } from '@secreg/subauth'
import fc from 'fast-check'

/** One request of each command with every field that it knows. */
export const FULL: readonly SubauthRequest[] = [
  { cmd: 'nop' },
  { cmd: 'create-acct', login: 'alice', zone: 'mail' },
  { cmd: 'delete-acct', login: 'alice', zone: '*' },
  { cmd: 'create-token', login: 'alice', zone: 'mail', 'auth-passwd': 'x', comment: 'laptop' },
  { cmd: 'delete-token', login: 'alice', zone: 'mail', 'auth-passwd': 'x', ident: '*' },
  {
    cmd: 'change-token',
    login: 'alice',
    zone: 'mail',
    'auth-passwd': 'x',
    ident: '0aF9',
    comment: '',
  },
  { cmd: 'set-passwd', login: 'alice', zone: 'mail', 'auth-passwd': 'x', passwd: 'y' },
  { cmd: 'delete-passwd', login: 'alice', zone: 'mail', 'auth-passwd': 'x' },
  { cmd: 'create-temp', login: 'alice', zone: 'mail', 'auth-passwd': 'x', validity: 60 },
  { cmd: 'login', login: 'alice', zone: 'mail', passwd: '1234-abc' },
  { cmd: 'allow-passwd-auth', login: 'alice', zone: 'mail', 'auth-passwd': 'x', allow: true },
  { cmd: 'list-accts', login: 'alice' },
  { cmd: 'list-zones' },
]

const letters = [...'ABCXYZabcxyz0189._-']
const login = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
const zone = fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 64 })
const passwd = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .map((text) => text.replaceAll('-', '_'))
const comment = fc.string({ unit: fc.constantFrom(...letters, ' ', '\u00e9', '\u{1f600}') })
const ident = fc.string({ unit: fc.constantFrom(...'09afAF'), minLength: 4, maxLength: 4 })
const star = fc.constant('*')
const optional = { requiredKeys: ['cmd', 'zone'] as ['cmd', 'zone'] }
const managed = { login, zone, 'auth-passwd': passwd }

/** Any request. */
export const anyRequest: fc.Arbitrary<SubauthRequest> = fc.oneof(
  fc.record({ cmd: fc.constant('nop' as const) }),
  fc.record({ cmd: fc.constant('create-acct' as const), login, zone }),
  fc.record({ cmd: fc.constant('delete-acct' as const), login, zone: fc.oneof(zone, star) }),
  fc.record({ cmd: fc.constant('create-token' as const), ...managed, comment }, optional),
  fc.record(
    { cmd: fc.constant('delete-token' as const), ...managed, ident: fc.oneof(ident, star) },
    { requiredKeys: ['cmd', 'zone', 'ident'] },
  ),
  fc.record(
    { cmd: fc.constant('change-token' as const), ...managed, ident, comment },
    { requiredKeys: ['cmd', 'zone', 'ident'] },
  ),
  fc.record(
    { cmd: fc.constant('set-passwd' as const), ...managed, passwd },
    { requiredKeys: ['cmd', 'zone', 'passwd'] },
  ),
  fc.record({ cmd: fc.constant('delete-passwd' as const), ...managed }, optional),
  fc.record(
    { cmd: fc.constant('create-temp' as const), ...managed, validity: fc.integer({ min: 1 }) },
    { requiredKeys: ['cmd', 'zone', 'validity'] },
  ),
  fc.record(
    { cmd: fc.constant('login' as const), login, zone, passwd },
    { requiredKeys: ['cmd', 'zone', 'passwd'] },
  ),
  fc.record(
    { cmd: fc.constant('allow-passwd-auth' as const), ...managed, allow: fc.boolean() },
    { requiredKeys: ['cmd', 'zone', 'allow'] },
  ),
  fc.record({ cmd: fc.constant('list-accts' as const), login }, { requiredKeys: ['cmd'] }),
  fc.record({ cmd: fc.constant('list-zones' as const) }),
)
