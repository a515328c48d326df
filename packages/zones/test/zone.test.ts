import {
  DEFAULT_ZONE_SWITCHES,
  decodeZone,
  dropZoneAccounts,
  encodeZone,
  isZoneName,
  planCreateZone,
  planRemoveZone,
  planSetZone,
  readZone,
  TEMP_VALIDITY_MAX_S,
  ZONE_SPACE,
  type Zone,
  type ZoneSettings,
  zoneKey,
} from '@secreg/zones'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { codeOf, crypto, Rows, when } from './support.ts'

const later = { nowMs: when.nowMs + 5 }
const ID = '00112233445566778899aabbccddeeff'
let rows: Rows

beforeEach(() => {
  rows = new Rows()
})

function make(name: string, settings: ZoneSettings = {}): Zone {
  const plan = planCreateZone(rows, name, settings, { ...when, crypto })
  rows.apply(plan)
  return plan.zone
}

describe('zones', () => {
  test('a new one has every switch off', () => {
    const zone = make('mail')
    expect(zone).toEqual({
      id: zone.id,
      name: 'mail',
      ...DEFAULT_ZONE_SWITCHES,
      createdAtMs: when.nowMs,
      modifiedAtMs: when.nowMs,
    })
    expect(readZone(rows, 'mail')).toEqual(zone)
    expect(ZONE_SPACE).toEqual({ gte: 'g/zone/', lt: 'g/zone0' })
  })

  test('what is not said stays; what is so already writes nothing', () => {
    const zone = make('mail', { description: 'post', allowTokens: true, trustedUids: [8, 3, 8] })
    expect(zone.trustedUids).toEqual([3, 8])
    rows.apply(planSetZone(rows, 'mail', { maxTempValidityS: 60 }, later))
    expect(readZone(rows, 'mail')).toEqual({
      ...zone,
      maxTempValidityS: 60,
      modifiedAtMs: later.nowMs,
    })
    expect(
      planSetZone(rows, 'mail', { allowTokens: true, trustedUids: [8, 3] }, later).ops,
    ).toEqual([])
    rows.apply(planSetZone(rows, 'mail', { description: '', trustedUids: [] }, later))
    expect(readZone(rows, 'mail')).not.toHaveProperty('description')
    expect(readZone(rows, 'mail')?.trustedUids).toEqual([])
  })

  test('class 23: one that is made again under the name has another id', () => {
    const first = make('mail')
    rows.apply(planRemoveZone(rows, 'mail'))
    expect([...rows.map.keys()]).toEqual([])
    expect(make('mail').id).not.toBe(first.id)
  })

  test('class 6: an id, a name or a time in the settings changes none', () => {
    const zone = make('mail')
    const smuggled = {
      id: ID,
      name: 'other',
      createdAtMs: 0,
      allowTokens: true,
      x: 1,
    } as ZoneSettings
    rows.apply(planSetZone(rows, 'mail', smuggled, later))
    expect(readZone(rows, 'mail')).toEqual({
      ...zone,
      allowTokens: true,
      modifiedAtMs: later.nowMs,
    })
  })

  test('one that is there, one that is not', () => {
    make('mail')
    expect(codeOf(() => make('mail'))).toBe('ERR_ALREADY_EXISTS')
    for (const name of ['web', '*', '', '../admins']) {
      expect(codeOf(() => planSetZone(rows, name, {}, later))).toBe('ERR_NOT_FOUND')
      expect(codeOf(() => planRemoveZone(rows, name))).toBe('ERR_NOT_FOUND')
      expect(readZone(rows, name)).toBeUndefined()
    }
  })

  test('removal takes the rows of the accounts that it is told', () => {
    const zone = make('mail')
    const plan = planRemoveZone(rows, 'mail', ['alice', 'bob'])
    expect(plan.ops.map(({ key }) => key)).toEqual([
      'g/zone/mail',
      `g/zacct/${zone.id}/alice`,
      `g/zacct/${zone.id}/bob`,
    ])
    expect(dropZoneAccounts(zone.id, ['eve'])).toEqual([
      { type: 'delete', key: `g/zacct/${zone.id}/eve` },
    ])
    expect(codeOf(() => dropZoneAccounts(zone.id, ['../x']))).toBe('RangeError')
    expect(codeOf(() => dropZoneAccounts('../x', ['eve']))).toBe('RangeError')
  })

  test.each(['m', 'A.b_c-9', '...', '-', 'x'.repeat(64)])('%j is a name', (name) => {
    expect(isZoneName(name)).toBe(true)
    expect(make(name).name).toBe(name)
  })

  test.each([
    '',
    '*',
    '.',
    '..',
    'a/b',
    'a b',
    ' mail',
    'mail ',
    'mail\n',
    'méil',
    'x'.repeat(65),
    1,
    null,
  ])('%j is none', (name) => {
    expect(isZoneName(name)).toBe(false)
    expect(codeOf(() => make(name as string))).toBe('ERR_INVALID_ARGUMENT')
    expect(codeOf(() => zoneKey(name as string))).toBe('RangeError')
  })

  test.each<object>([
    { allowPasswd: 1 },
    { allowTokens: 'true' },
    { allowPasswdAuth: 'no' },
    { http: {} },
    { autoCreate: 0 },
    { maxTempValidityS: -1 },
    { maxTempValidityS: 0.5 },
    { maxTempValidityS: '60' },
    { maxTempValidityS: TEMP_VALIDITY_MAX_S + 1 },
    { maxTempValidityS: Number.NaN },
    { trustedUids: [65_534] },
    { trustedUids: [-1] },
    { trustedUids: 'all' },
    { trustedUids: Array.from({ length: 257 }, (_, n) => n) },
    { description: 'two\nlines' },
    { description: 'x'.repeat(1025) },
  ])('%j is refused, new or changed', (settings) => {
    expect(codeOf(() => make('mail', settings))).toBe('ERR_INVALID_ARGUMENT')
    make('mail')
    expect(codeOf(() => planSetZone(rows, 'mail', settings, later))).toBe('ERR_INVALID_ARGUMENT')
  })

  test('wrong arguments', () => {
    const plan = (context: object) =>
      codeOf(() => planCreateZone(rows, 'mail', {}, { ...when, crypto, ...context }))
    expect(plan({ nowMs: -1 })).toBe('RangeError')
    expect(plan({ crypto: { randomBytes: () => new Uint8Array(15) } })).toBe('RangeError')
  })
})

describe('rows', () => {
  const full: Zone = {
    id: ID,
    name: 'mail',
    description: 'post',
    allowPasswd: true,
    allowTokens: false,
    allowPasswdAuth: true,
    autoCreate: false,
    http: true,
    maxTempValidityS: 60,
    trustedUids: [0, 8],
    createdAtMs: 1,
    modifiedAtMs: 2,
  }
  const TEXT =
    `{"v":1,"id":"${ID}","name":"mail","description":"post","allow_passwd":true,"allow_tokens":false,` +
    '"allow_passwd_auth":true,"auto_create":false,"http":true,"max_temp_validity":60,' +
    '"trusted_uids":[0,8],"created_at":1,"modified_at":2}'

  test('the row is the documented text', () => {
    expect(new TextDecoder().decode(encodeZone(full))).toBe(TEXT)
    expect(decodeZone(new TextEncoder().encode(TEXT), 'mail')).toEqual(full)
  })

  test('encoding and decoding give back every zone', () => {
    const zone = fc.record(
      {
        id: fc.stringMatching(/^[0-9a-f]{32}$/),
        name: fc.constant('mail'),
        description: fc.stringMatching(/^[a-z é"]{1,40}$/),
        allowPasswd: fc.boolean(),
        allowTokens: fc.boolean(),
        allowPasswdAuth: fc.boolean(),
        autoCreate: fc.boolean(),
        http: fc.boolean(),
        maxTempValidityS: fc.nat(TEMP_VALIDITY_MAX_S),
        trustedUids: fc.subarray([0, 3, 8, 1000]),
        createdAtMs: fc.maxSafeNat(),
        modifiedAtMs: fc.maxSafeNat(),
      },
      { requiredKeys: ['id', 'name', ...SWITCHES, 'createdAtMs', 'modifiedAtMs'] },
    )
    fc.assert(
      fc.property(zone, (one) => {
        expect(decodeZone(encodeZone(one), 'mail')).toEqual(one)
      }),
    )
  })

  test.each<[string, string]>([
    ['another name', TEXT.replace('mail', 'web')],
    ['no id', TEXT.replace(ID, 'x')],
    ['a switch as a number', TEXT.replace('"http":true', '"http":1')],
    ['a switch that is not said', TEXT.replace('"allow_tokens":false,', '')],
    ['a negative validity', TEXT.replace('60', '-1')],
    ['no trusted uids but a list', TEXT.replace('[0,8]', '[]')],
    ['trusted uids out of order', TEXT.replace('[0,8]', '[8,0]')],
    ['the overflow uid', TEXT.replace('[0,8]', '[65534]')],
    ['a member too many', TEXT.replace('"v":1', '"v":1,"x":1')],
    ['another version', TEXT.replace('"v":1', '"v":2')],
    ['an empty description', TEXT.replace('"post"', '""')],
  ])('%s is corrupt', (_, text) => {
    rows.put(zoneKey('mail'), text)
    expect(codeOf(() => readZone(rows, 'mail'))).toBe('ERR_ZONES_ROW_CORRUPT')
    expect(codeOf(() => planSetZone(rows, 'mail', {}, later))).toBe('ERR_ZONES_ROW_CORRUPT')
  })
})

const SWITCHES = [
  'allowPasswd',
  'allowTokens',
  'allowPasswdAuth',
  'autoCreate',
  'http',
  'maxTempValidityS',
  'trustedUids',
] as const
