import { ROLES } from '@secreg/protocol'
import {
  type Account,
  ADMINS_KEY,
  accountKey,
  decodeAccount,
  decodeAccountId,
  decodeAdmins,
  encodeAccount,
  encodeAccountId,
  encodeAdmins,
  type HashedPassword,
  isHashedPassword,
  loginKey,
  uidKey,
  ZonesError,
} from '@secreg/zones'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codeOf } from './support.ts'

const ID = '00112233445566778899aabbccddeeff'
const OTHER = 'ffeeddccbbaa99887766554433221100'
const PHC = '$scrypt$ln=17,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$BBBB' as HashedPassword

const full: Account = {
  id: ID,
  login: 'alice',
  roles: ['admin', 'auditor'],
  password: PHC,
  uids: [0, 1000],
  createdAtMs: 1,
  modifiedAtMs: 2,
  disabled: false,
}
const FULL_TEXT =
  `{"v":1,"id":"${ID}","login":"alice","roles":["admin","auditor"],` +
  `"password":"${PHC}","uids":[0,1000],"created_at":1,"modified_at":2,"disabled":false}`

/** With members after the first ones. */
const withMore = (members: string) => FULL_TEXT.replace(/}$/, `,${members}}`)
const MANY = Array.from({ length: 65 }, (_, n) => `g${n}`).sort()

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('account rows', () => {
  test('the row is the documented text', () => {
    expect(new TextDecoder().decode(encodeAccount(full))).toBe(FULL_TEXT)
    expect(decodeAccount(bytes(FULL_TEXT), ID)).toEqual(full)
  })

  test('encoding and decoding give back every account', () => {
    const account = fc.record(
      {
        id: fc.stringMatching(/^[0-9a-f]{32}$/),
        login: fc.stringMatching(/^[a-z0-9_][a-z0-9_.-]{0,63}$/),
        roles: fc.subarray([...ROLES, 'a', 'deploy']),
        createdAtMs: fc.maxSafeNat(),
        modifiedAtMs: fc.maxSafeNat(),
        disabled: fc.boolean(),
        password: fc.constant(PHC),
        uids: fc
          .uniqueArray(fc.nat(60_000), { minLength: 1, maxLength: 8 })
          .map((uids) => uids.sort((a, b) => a - b)),
        groups: fc.subarray(['dev', 'ops', 'z-9_'], { minLength: 1 }),
        generation: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      },
      { requiredKeys: ['id', 'login', 'roles', 'createdAtMs', 'modifiedAtMs', 'disabled'] },
    )
    fc.assert(
      fc.property(account, (one) => {
        const decoded = decodeAccount(encodeAccount(one), one.id)
        expect(decoded).toEqual(one)
        expect(Object.isFrozen(decoded) && Object.isFrozen(decoded.roles)).toBe(true)
      }),
    )
  })

  test('the later members are written after the first ones', () => {
    const { password: _, ...rest } = full
    const more = { ...rest, groups: ['dev', 'ops'], generation: 3, system: true as const }
    const text = withMore('"groups":["dev","ops"],"generation":3,"system":true')
    expect(new TextDecoder().decode(encodeAccount(more))).toBe(
      text.replace(`"password":"${PHC}",`, ''),
    )
    expect(decodeAccount(encodeAccount(more), ID)).toEqual(more)
  })

  test('a row under the key of another account is corrupt', () => {
    expect(codeOf(() => decodeAccount(bytes(FULL_TEXT), OTHER))).toBe('ERR_ZONES_ACCOUNT_CORRUPT')
  })

  test.each<[string, string]>([
    ['nothing', ''],
    ['no JSON', '{'],
    ['null', 'null'],
    ['a list', '[]'],
    ['a number', '1'],
    ['a byte order mark', `\ufeff${FULL_TEXT}`],
    ['a space', ` ${FULL_TEXT}`],
    ['another version', FULL_TEXT.replace('"v":1', '"v":2')],
    ['a member too many', FULL_TEXT.replace('"v":1', '"v":1,"x":1')],
    ['a prototype', FULL_TEXT.replace('"v":1', '"v":1,"__proto__":{"disabled":false}')],
    ['a doubled member', FULL_TEXT.replace('"login":"alice"', '"login":"bob","login":"alice"')],
    ['another order', FULL_TEXT.replace('"v":1,', '').replace(/}$/, ',"v":1}')],
    ['an escape', FULL_TEXT.replace('alice', '\\u0061lice')],
    ['upper case', FULL_TEXT.replace('alice', 'Alice')],
    ['a role that is no name', FULL_TEXT.replace('auditor', 'Root')],
    ['other roles out of order', FULL_TEXT.replace('"admin","auditor"', '"b","a"')],
    ['a built-in role after another', FULL_TEXT.replace('"admin","auditor"', '"deploy","admin"')],
    ['a role twice', FULL_TEXT.replace('"auditor"', '"admin"')],
    ['roles out of order', FULL_TEXT.replace('"admin","auditor"', '"auditor","admin"')],
    ['no roles', FULL_TEXT.replace('"roles":["admin","auditor"],', '')],
    ['roles as text', FULL_TEXT.replace('["admin","auditor"]', '"admin"')],
    ['a password in the clear', FULL_TEXT.replace(PHC, 'hunter2')],
    ['a password of null', FULL_TEXT.replace(`"${PHC}"`, 'null')],
    ['uids out of order', FULL_TEXT.replace('[0,1000]', '[1000,0]')],
    ['no uids but a list', FULL_TEXT.replace('[0,1000]', '[]')],
    ['the overflow uid', FULL_TEXT.replace('1000', '65534')],
    ['uid -0', FULL_TEXT.replace('[0,', '[-0,')],
    ['a broken time', FULL_TEXT.replace('"created_at":1', '"created_at":1.5')],
    ['a negative time', FULL_TEXT.replace('"created_at":1', '"created_at":-1')],
    ['disabled as text', FULL_TEXT.replace('false', '"false"')],
    ['no groups but a list', withMore('"groups":[]')],
    ['groups out of order', withMore('"groups":["ops","dev"]')],
    ['a group twice', withMore('"groups":["dev","dev"]')],
    ['a group that is no name', withMore('"groups":["Dev"]')],
    ['65 groups', withMore(`"groups":${JSON.stringify(MANY)}`)],
    ['generation 0', withMore('"generation":0')],
    ['a broken generation', withMore('"generation":1.5')],
    ['a generation as text', withMore('"generation":"1"')],
    ['a system user with a password', withMore('"system":true')],
    ['no system user, said', withMore('"system":false').replace(`"password":"${PHC}",`, '')],
    ['another order of the new members', withMore('"generation":1,"groups":["dev"]')],
    ['not said whether disabled', FULL_TEXT.replace(',"disabled":false', '')],
  ])('%s is corrupt', (_, text) => {
    expect(codeOf(() => decodeAccount(bytes(text), ID))).toBe('ERR_ZONES_ACCOUNT_CORRUPT')
  })

  test('any flipped bit is corrupt or another valid account of the same id, never another error', () => {
    const row = bytes(FULL_TEXT)
    for (let bit = 0; bit < row.length * 8; bit++) {
      const flipped = Uint8Array.from(row)
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
      try {
        expect(decodeAccount(flipped, ID).id).toBe(ID)
      } catch (error) {
        expect(ZonesError.is(error)).toBe(true)
        expect((error as Error).message).not.toContain(PHC)
      }
    }
  })

  test('any bytes are refused with our error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.json().map(bytes)), (row) => {
        expect(codeOf(() => decodeAccount(row, ID))).toBe('ERR_ZONES_ACCOUNT_CORRUPT')
      }),
    )
  })
})

describe('index rows', () => {
  test('an id', () => {
    expect(decodeAccountId(encodeAccountId(ID), 'n/alice')).toBe(ID)
    for (const text of ['', ID.toUpperCase(), `${ID}\n`, ` ${ID}`, ID.slice(1)]) {
      expect(codeOf(() => decodeAccountId(bytes(text), 'n/alice'))).toBe('ERR_ZONES_INDEX_CORRUPT')
    }
    expect(codeOf(() => decodeAccountId(new Uint8Array([0xff]), 'n/alice'))).toBe(
      'ERR_ZONES_INDEX_CORRUPT',
    )
  })

  test('the administrators', () => {
    expect(decodeAdmins(undefined)).toEqual([])
    expect(decodeAdmins(encodeAdmins([OTHER, ID]))).toEqual([ID, OTHER])
    const wrong = [
      '',
      '{}',
      'null',
      `["${OTHER}","${ID}"]`,
      `["${ID}","${ID}"]`,
      '[1]',
      `[ ]`,
      '["x"]',
    ]
    for (const text of wrong) {
      expect(codeOf(() => decodeAdmins(bytes(text)))).toBe('ERR_ZONES_INDEX_CORRUPT')
    }
  })

  test('keys', () => {
    expect(accountKey(ID)).toBe(`a/${ID}`)
    expect(loginKey('alice')).toBe('n/alice')
    expect(uidKey(0)).toBe('u/0')
    expect(ADMINS_KEY).toBe('g/admins')
    expect(codeOf(() => accountKey('../x'))).toBe('RangeError')
    expect(codeOf(() => loginKey('Alice'))).toBe('RangeError')
    expect(codeOf(() => uidKey(65_534))).toBe('RangeError')
    expect(codeOf(() => encodeAccountId('x'))).toBe('RangeError')
  })

  test.each([
    '',
    'hunter2',
    '$',
    '$scrypt$',
    `$scrypt$${'a'.repeat(600)}`,
    '$scrypt$a\n',
    '$scrypt$a b',
  ])('%j is no hash of a password', (text) => {
    expect(isHashedPassword(text)).toBe(false)
  })
})
