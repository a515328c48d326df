import {
  type ConfiguredZone,
  DEFAULT_ZONE_SWITCHES,
  decodeZone,
  encodeZone,
  planConfigureZone,
  planCreateZone,
  planCreateZoneAccount,
  planReleaseZone,
  planRemoveZone,
  planSetZone,
  readZone,
  readZoneAccount,
  zoneKey,
} from '@secreg/zones'
import { beforeEach, describe, expect, test } from 'vitest'
import { codeOf, crypto, Rows, when } from './support.ts'

const context = { ...when, crypto }
const later = { nowMs: when.nowMs + 5, crypto }
const FILE: ConfiguredZone = {
  description: 'post',
  allowPasswd: true,
  allowTokens: true,
  allowPasswdAuth: false,
  autoCreate: true,
  http: true,
  maxTempValidityS: 60,
  trustedUids: [8, 3],
}
const OFF: ConfiguredZone = { description: '', ...DEFAULT_ZONE_SWITCHES }
let rows: Rows

beforeEach(() => {
  rows = new Rows()
})

const configure = (settings: ConfiguredZone, name = 'mail', at = later) => {
  const plan = planConfigureZone(rows, name, settings, at)
  rows.apply(plan)
  return plan
}

describe('a zone of the configuration file', () => {
  test('is made as the file says, once', () => {
    const { zone } = configure(FILE)
    expect(zone).toEqual({
      ...FILE,
      trustedUids: [3, 8],
      id: zone.id,
      name: 'mail',
      configured: true,
      createdAtMs: later.nowMs,
      modifiedAtMs: later.nowMs,
    })
    expect(readZone(rows, 'mail')).toEqual(zone)
    expect(configure(FILE, 'mail', { ...later, nowMs: later.nowMs + 5 }).ops).toEqual([])
    expect(configure({ ...FILE, trustedUids: [3, 8, 3] }).ops).toEqual([])
  })

  test('is adopted where there is one already, with its id and accounts', () => {
    const { zone: before } = planCreateZone(rows, 'mail', { allowPasswdAuth: true }, context)
    rows.apply({ ops: [{ type: 'put', key: zoneKey('mail'), value: encodeZone(before) }] })
    rows.apply(planCreateZoneAccount(rows, 'mail', 'alice', context))
    const { zone } = configure(FILE)
    expect(zone).toMatchObject({ id: before.id, configured: true, allowPasswdAuth: false })
    expect(zone).toMatchObject({ createdAtMs: when.nowMs, modifiedAtMs: later.nowMs })
    expect(readZoneAccount(rows, zone, 'alice')?.login).toBe('alice')
  })

  test('is marked even where nothing else changes', () => {
    rows.apply(planCreateZone(rows, 'mail', {}, context))
    expect(configure(OFF).ops).toHaveLength(1)
    expect(readZone(rows, 'mail')?.configured).toBe(true)
  })

  test('loses what the file says no more, its description too', () => {
    configure(FILE)
    const { zone } = configure(OFF)
    expect(zone).toMatchObject({ ...DEFAULT_ZONE_SWITCHES, configured: true })
    expect(zone).not.toHaveProperty('description')
  })

  test('is set and removed by nothing but the file', () => {
    configure(FILE)
    expect(codeOf(() => planSetZone(rows, 'mail', { http: false }, later))).toBe('ERR_ZONE_REFUSED')
    expect(codeOf(() => planSetZone(rows, 'mail', {}, later))).toBe('ERR_ZONE_REFUSED')
    expect(codeOf(() => planRemoveZone(rows, 'mail'))).toBe('ERR_ZONE_REFUSED')
  })

  test('is let go of with everything off, and can be set and removed then', () => {
    const { zone } = configure(FILE)
    rows.apply(planCreateZoneAccount(rows, 'mail', 'alice', context))
    rows.apply(planReleaseZone(rows, 'mail', later))
    const released = readZone(rows, 'mail')
    expect(released).toEqual({
      ...DEFAULT_ZONE_SWITCHES,
      description: 'post',
      id: zone.id,
      name: 'mail',
      createdAtMs: zone.createdAtMs,
      modifiedAtMs: later.nowMs,
    })
    expect(readZoneAccount(rows, zone, 'alice')).toBeDefined()
    expect(planReleaseZone(rows, 'mail', later).ops).toEqual([])
    rows.apply(planSetZone(rows, 'mail', { allowTokens: true }, later))
    expect(planReleaseZone(rows, 'mail', later).ops).toEqual([])
    rows.apply(planRemoveZone(rows, 'mail', ['alice']))
    expect(rows.get(zoneKey('mail'))).toBeUndefined()
  })

  test.each(['', '.', '..', '*', 'a/b', 'x'.repeat(65)])('has no name %j', (name) => {
    expect(codeOf(() => planConfigureZone(rows, name, FILE, later))).toBe('ERR_INVALID_ARGUMENT')
  })

  test('has a mark of one spelling, and rows of others are as they were', () => {
    const { zone } = configure(FILE)
    const text = new TextDecoder().decode(encodeZone(zone))
    expect(text).toContain('"trusted_uids":[3,8],"configured":true,"created_at":')
    const { configured: _, ...own } = zone
    expect(new TextDecoder().decode(encodeZone(own))).not.toContain('configured')
    for (const value of ['false', '1', 'null', '"true"']) {
      const row = new TextEncoder().encode(
        text.replace('"configured":true', `"configured":${value}`),
      )
      expect(codeOf(() => decodeZone(row, 'mail'))).toBe('ERR_ZONES_ROW_CORRUPT')
    }
  })
})
