import { createCipheriv } from 'node:crypto'
import { isStorageError, MemoryEngine, type Op } from '@secreg/storage'
import { createTestCheck, replaceRow, takeRow } from '@secreg/storage/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeHeadRow } from '../src/head-row.ts'
import { encodeRow, type StoredRow } from '../src/row-format.ts'
import { StoreCheck } from '../src/store-check.ts'
import { outcome } from './stores.ts'

const GENERATION = '00112233445566778899aabbccddeeff'
const check = createTestCheck(
  'sums',
  (key) => !key.startsWith('x'),
  (key) => key.startsWith('a'),
)

function row(key: string, revision: number): StoredRow {
  return encodeRow(`d${key}`, key, Buffer.from(`value of ${key}`), revision, revision, check).row
}

/** The sums as the head of store-check.ts describes them, the slow way. */
function reference(rows: ReadonlyMap<string, number>, revision: number): Buffer {
  const block = (label: string, input: Buffer): bigint => {
    const key = check.tag('', Buffer.concat([Buffer.from(label), Buffer.from(GENERATION, 'hex')]))
    const output = createCipheriv('aes-128-ecb', key, null).update(input)
    return BigInt(`0x${output.toString('hex')}`)
  }
  const sums = [0n, 0n]
  for (const [key, modified] of rows) {
    if (key.startsWith('x')) continue
    const value = Buffer.from(`value of ${key}`)
    const header = Buffer.alloc(14)
    header.set([1, 1])
    header.writeUIntBE(modified, 2, 6)
    header.writeUIntBE(modified, 8, 6)
    const tag = check.tag(key, Buffer.concat([header, value]))
    const summand = block('secreg store sum 1', Buffer.from(tag))
    for (const i of key.startsWith('a') ? [0, 1] : [0]) sums[i] = (sums[i] as bigint) + summand
  }
  const stored = sums.map((sum, i) => {
    const input = Buffer.alloc(16)
    input.writeUIntBE(revision, 0, 6)
    input[15] = i
    const masked = BigInt.asUintN(128, sum) ^ block('secreg store mask 1', input)
    return masked.toString(16).padStart(32, '0')
  })
  return Buffer.from(stored.join(''), 'hex')
}

const key = fc.constantFrom('a', 'b', 'x').chain((space) => fc.nat(300).map((n) => `${space}${n}`))

describe('the sums of tags', () => {
  test('are what the format says, in whatever order and pieces rows come and go', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(key, fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined })), {
          maxLength: 400,
        }),
        fc.array(fc.nat(400), { maxLength: 3 }),
        fc.nat({ max: 2 ** 48 - 1 }),
        (changes, pauses, revision) => {
          const store = new StoreCheck(check, GENERATION)
          const rows = new Map<string, number>()
          let sums = store.start()
          for (const [i, [changed, to]] of changes.entries()) {
            const from = rows.get(changed)
            if (from !== undefined) sums.remove(changed, row(changed, from))
            if (to === undefined) rows.delete(changed)
            else rows.set(changed, to)
            if (to !== undefined) sums.add(changed, row(changed, to))
            // As from one commit to the next.
            if (pauses.includes(i)) {
              sums = store.resume({ revision: i, sums: sums.seal(i), keyed: true })
            }
          }
          expect(Buffer.from(sums.seal(revision))).toEqual(reference(rows, revision))
        },
      ),
      { numRuns: 60 },
    )
  })

  test('look different under every revision and in every store, also where they are the same', () => {
    const seen = new Set<string>()
    for (const generation of [GENERATION, GENERATION.replace('0', '1')]) {
      for (const secret of ['sums', 'other']) {
        const store = new StoreCheck(createTestCheck(secret), generation)
        for (const revision of [0, 1, 2, 2 ** 40]) {
          const sealed = Buffer.from(store.start().seal(revision)).toString('hex')
          seen.add(sealed.slice(0, 32)).add(sealed.slice(32))
        }
      }
    }
    expect(seen.size).toBe(2 * 2 * 4 * 2)
  })

  test('do not tell what one change was worth, when it is made and taken back', () => {
    const store = new StoreCheck(check, GENERATION)
    const sums = store.start()
    const differences = new Set<string>()
    let last = Buffer.from(sums.seal(0))
    for (let revision = 1; revision <= 20; revision++) {
      if (revision % 2 === 1) sums.add('a1', row('a1', 1))
      else sums.remove('a1', row('a1', 1))
      const now = Buffer.from(sums.seal(revision))
      const difference = now.map((byte, i) => byte ^ (last[i] as number))
      differences.add(Buffer.from(difference).toString('hex'))
      last = now
    }
    expect(differences.size).toBe(20)
  })

  test('a check whose tags have another length is refused', () => {
    const short = { tag: () => new Uint8Array(15) }
    expect(() => new StoreCheck(short, GENERATION)).toThrow(TypeError)
    expect(() => new MemoryEngine().setCheckKey(short)).toThrow(TypeError)
  })
})

test('a data row is no head, under whatever key', async () => {
  const store = new StoreCheck(check, GENERATION)
  for (const name of ['h', 'head', '\u0000']) {
    const { bytes } = encodeRow('h', name, Buffer.alloc(60), 1, 1, check)
    expect(await outcome(() => decodeHeadRow(bytes, store))).toBe('ERR_STORAGE_CORRUPT')
  }
})

/** What is done to a store, by its engine and by somebody else. */
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('put' as const), at: fc.nat(7) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), at: fc.nat(7) }) },
)
const replay = fc.record({ at: fc.nat(7), moment: fc.nat() })

test('any rows brought back from any moments are noticed, unless they are the ones that are there', async () => {
  const keys = Array.from({ length: 8 }, (_, i) => `${i < 5 ? 'a' : 'b'}${i}`)
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 1, maxLength: 30 }),
    fc.array(replay, { maxLength: 6 }),
    fc.boolean(),
    async (steps, replays, trim) => {
      const engine = new MemoryEngine()
      engine.setCheckKey(check)
      const state = () => keys.map((each) => takeRow(engine, each))
      const states = [state()]
      for (const [n, { kind, at }] of steps.entries()) {
        const name = keys[at] as string
        const put: Op = { type: 'put', key: name, value: Buffer.from(String(n)) }
        await engine.commit({ ops: [kind === 'put' ? put : { type: 'delete', key: name }] })
        states.push(state())
      }
      if (trim) await engine.trimChanges(engine.head)
      const real = states.at(-1) as (Uint8Array | undefined)[]
      const now = [...real]
      for (const { at, moment } of replays) {
        now[at] = (states[moment % states.length] as typeof now)[at]
        replaceRow(engine, keys[at] as string, now[at])
      }
      const differs = (from: number, to: number) =>
        keys.some((_, i) => {
          const [a, b] = [now[i], real[i]]
          return i >= from && i < to && Buffer.compare(a ?? Buffer.of(), b ?? Buffer.of()) !== 0
        })
      const { findings } = await engine.scrub()
      expect(findings.length > 0).toBe(differs(0, 8))
      const verified = await outcome(() => engine.verifyGuarded([{ gte: 'a', lt: 'b' }]))
      expect(verified).toBe(differs(0, 5) ? 'ERR_STORAGE_CORRUPT' : 'ok')
      if (trim || !differs(0, 8)) return
      // With the whole history, exactly those are named.
      const named = findings.filter(({ kind }) => kind === 'stale').map(({ subject }) => subject)
      expect(named.sort()).toEqual(keys.filter((_, i) => differs(i, i + 1)))
    },
  )
  await fc.assert(property, { numRuns: 300 })
})

test('rows that need no tag count for nothing', async () => {
  const engine = new MemoryEngine()
  engine.setCheckKey(check)
  await engine.commit({ ops: [{ type: 'put', key: 'x1', value: Buffer.from('old') }] })
  const old = takeRow(engine, 'x1')
  await engine.commit({ ops: [{ type: 'put', key: 'x1', value: Buffer.from('new') }] })
  replaceRow(engine, 'x1', old)
  expect((await engine.scrub()).findings).toEqual([])
  expect(Buffer.from(engine.get('x1')?.value ?? []).toString()).toBe('old')
  expect(isStorageError(await engine.verifyGuarded([]).catch((error) => error))).toBe(false)
})
