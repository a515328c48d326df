/** Who may ask while the disk of the audit log gets full. */
import { SecregError } from '@secreg/protocol'
import { REQUESTS, type RequestName } from '@secreg/protocol/messages'
import type { Peer } from '@secreg/registry'
import { describe, expect, test } from 'vitest'
import type { RoomLevel } from '../src/disk-space.ts'
import { Admission } from '../src/server/admission.ts'

const NAMES = Object.keys(REQUESTS) as RequestName[]
const PEER: Peer = { door: 'registry', address: 'local' }

function open(level: RoomLevel) {
  const state = { level, nowMs: 5000 }
  const records: { peer: Peer; count: number }[] = []
  const admission = new Admission({
    level: () => state.level,
    record: (peer, count) => records.push({ peer, count }),
    monotonicMs: () => state.nowMs,
  })
  const ask = (
    name: RequestName,
    { payload = {}, session = false, peer = PEER } = {} as {
      payload?: Record<string, unknown>
      session?: boolean
      peer?: Peer
    },
  ): string => {
    try {
      admission.require(peer, name, payload, () => session)
      return 'ok'
    } catch (error) {
      if (!SecregError.is(error)) throw error
      expect(error.retryAfterSeconds).toBeGreaterThan(0)
      return error.reason
    }
  }
  return { admission, state, records, ask }
}

describe.each(['ok', 'warning'] as const)('%s', (level) => {
  test('everybody may ask everything', () => {
    const { admission, ask, records } = open(level)
    expect(admission.isOpen).toBe(true)
    for (const name of NAMES) expect(ask(name), name).toBe('ok')
    expect(records).toEqual([])
  })
})

describe('low', () => {
  test('nothing without a session, but what leaves no record, and unlocking', () => {
    const { admission, ask } = open('low')
    expect(admission.isOpen).toBe(false)
    for (const name of NAMES) {
      const isFree = name === 'status' || name === 'hello'
      expect(ask(name), name).toBe(isFree ? 'ok' : 'BUSY')
    }
    expect(ask('seal', { payload: { op: 'unlock' } })).toBe('ok')
    for (const op of ['init', 'lock', 'UNLOCK', ['unlock'], undefined]) {
      expect(ask('seal', { payload: { op } }), String(op)).toBe('BUSY')
    }
    expect(ask('auth', { payload: { op: 'unlock' } })).toBe('BUSY')
  })

  test('sessions go on', () => {
    const { ask, records } = open('low')
    for (const name of NAMES) expect(ask(name, { session: true }), name).toBe('ok')
    expect(records).toEqual([])
  })

  test('refusals leave one record a second and source, and none is lost', () => {
    const { admission, ask, records, state } = open('low')
    for (let i = 0; i < 100; i++) ask('auth')
    expect(records).toEqual([{ peer: PEER, count: 1 }])
    admission.tick()
    expect(records).toHaveLength(1)
    state.nowMs += 1000
    admission.tick()
    admission.tick()
    expect(records).toEqual([
      { peer: PEER, count: 1 },
      { peer: PEER, count: 99 },
    ])
    state.nowMs += 60_000
    admission.tick()
    expect(records).toHaveLength(2)
    const uids = [7, 8].map((uid): Peer => ({ ...PEER, uid }))
    for (const peer of uids) for (let i = 0; i < 3; i++) ask('get', { peer })
    expect(records.slice(2)).toEqual(uids.map((peer) => ({ peer, count: 1 })))
  })

  test('any number of sources leaves a bounded number of records', () => {
    const { admission, ask, records, state } = open('low')
    for (let second = 0; second < 3; second++) {
      for (let uid = 0; uid < 10_000; uid++) ask('auth', { peer: { ...PEER, uid } })
      state.nowMs += 1000
      admission.tick()
    }
    expect(records.length).toBeLessThanOrEqual(4 * 64)
    expect(records.reduce((sum, { count }) => sum + count, 0)).toBe(30_000)
    expect(records.some(({ peer }) => peer.uid === undefined && peer.address === 'several')).toBe(
      true,
    )
  })

  test('what was refused is recorded also when there is room again, and not while there is none', () => {
    const { admission, ask, records, state } = open('low')
    for (let i = 0; i < 3; i++) ask('auth')
    state.level = 'least'
    state.nowMs += 5000
    admission.tick()
    expect(records).toHaveLength(1)
    state.level = 'ok'
    admission.tick()
    expect(records.at(-1)).toEqual({ peer: PEER, count: 2 })
  })
})

describe('least', () => {
  test('nothing but what leaves no record, whoever asks', () => {
    const { ask, records } = open('least')
    for (const name of NAMES) {
      const isFree = name === 'status' || name === 'hello'
      for (const session of [false, true]) {
        expect(ask(name, { session }), name).toBe(isFree ? 'ok' : 'AUDIT_FAILED')
      }
    }
    expect(ask('seal', { payload: { op: 'unlock' } })).toBe('AUDIT_FAILED')
    expect(records).toEqual([])
  })

  test('figures for a session, once a second: they leave a record', () => {
    const { ask, state } = open('least')
    const figures = { payload: { op: 'metrics' } }
    expect(ask('maintain', figures)).toBe('AUDIT_FAILED')
    expect(ask('maintain', { ...figures, session: true })).toBe('ok')
    for (let i = 0; i < 50; i++) {
      expect(ask('maintain', { ...figures, session: true })).toBe('AUDIT_FAILED')
    }
    expect(ask('maintain', { payload: { op: 'doctor' }, session: true })).toBe('AUDIT_FAILED')
    state.nowMs += 1000
    expect(ask('maintain', { ...figures, session: true })).toBe('ok')
    expect(ask('maintain', figures)).toBe('AUDIT_FAILED')
  })
})
