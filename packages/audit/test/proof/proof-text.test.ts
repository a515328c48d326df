import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type ConsistencyProof,
  formatProof,
  type InclusionProof,
  parseProof,
} from '../../src/proof/proof-text.ts'
import { CHECKPOINT } from './vectors.ts'

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })
const hashes = fc.array(hash, { maxLength: 64 })
const number = fc.maxSafeInteger().map(Math.abs)

const inclusion: fc.Arbitrary<InclusionProof> = fc.record(
  {
    kind: fc.constant('inclusion' as const),
    index: number,
    hashes,
    checkpoint: fc.constant(CHECKPOINT),
    extra: fc.uint8Array({ minLength: 1 }),
  },
  { requiredKeys: ['kind', 'index', 'hashes', 'checkpoint'] },
)
const consistency: fc.Arbitrary<ConsistencyProof> = fc.record({
  kind: fc.constant('consistency' as const),
  oldSize: number,
  newSize: number,
  hashes,
  checkpoint: fc.constant(CHECKPOINT),
})

/** As in tlog-proof.md, with hashes that are whole. */
const EXAMPLE = `c2sp.org/tlog-proof@v1
extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=

${CHECKPOINT}`

const OURS = `secreg consistency proof v1
old 12
new 20852163
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=

${CHECKPOINT}`

test('the example of the specification', () => {
  const proof = parseProof(EXAMPLE)
  expect(proof).toMatchObject({ kind: 'inclusion', index: 73894, checkpoint: CHECKPOINT })
  expect(proof?.hashes.length).toBe(2)
  expect(proof && formatProof(proof)).toBe(EXAMPLE)
})

test('our own form', () => {
  const proof = parseProof(OURS)
  expect(proof).toMatchObject({ kind: 'consistency', oldSize: 12, newSize: 20852163 })
  expect(proof && formatProof(proof)).toBe(OURS)
})

test('what is formatted is read', () => {
  fc.assert(
    fc.property(fc.oneof(inclusion, consistency), (proof) => {
      expect(parseProof(formatProof(proof))).toEqual(proof)
    }),
  )
})

describe('malformed proofs', () => {
  const replace = (text: string, from: string | RegExp, to: string): string => {
    const changed = text.replace(from, to)
    expect(changed).not.toBe(text)
    return changed
  }
  const hashLine = 'gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n'
  test.each([
    ['nothing', ''],
    ['another version', replace(EXAMPLE, '@v1', '@v2')],
    ['a blank behind the title', replace(EXAMPLE, '@v1', '@v1 ')],
    ['carriage returns', EXAMPLE.replaceAll('\n', '\r\n')],
    ['no index', replace(EXAMPLE, /index .*\n/, '')],
    ['index with a leading zero', replace(EXAMPLE, 'index ', 'index 0')],
    ['index of 2^53', replace(EXAMPLE, '73894', '9007199254740992')],
    ['extra behind the index', replace(EXAMPLE, /(extra .*\n)(index .*\n)/, '$2$1')],
    ['extra that is empty', replace(EXAMPLE, /extra .*/, 'extra ')],
    ['extra that is no base64', replace(EXAMPLE, /extra ./, 'extra !')],
    ['a hash without padding', replace(EXAMPLE, '=\n', '\n')],
    ['a hash of 31 bytes', replace(EXAMPLE, 'gSKy', '')],
    ['65 hashes', replace(EXAMPLE, hashLine, hashLine.repeat(64))],
    ['no empty line', replace(EXAMPLE, '\n\n', '\n')],
    ['no checkpoint', EXAMPLE.slice(0, EXAMPLE.indexOf('\n\n') + 2)],
    ['old and new exchanged', replace(OURS, /(old .*\n)(new .*\n)/, '$2$1')],
    ['no new size', replace(OURS, /new .*\n/, '')],
    ['65 hashes of consistency', replace(OURS, hashLine, hashLine.repeat(65))],
  ])('%s', (_, text) => {
    expect(parseProof(text)).toBeUndefined()
  })

  test('64 hashes are read, and nothing throws', () => {
    expect(parseProof(replace(OURS, hashLine, hashLine.repeat(64)))?.hashes.length).toBe(64)
    fc.assert(
      fc.property(fc.string(), fc.nat(EXAMPLE.length), (text, at) => {
        parseProof(EXAMPLE.slice(0, at) + text + EXAMPLE.slice(at))
      }),
    )
  })
})

test('wrong arguments are refused', () => {
  const proof = { kind: 'inclusion', index: 0, hashes: [], checkpoint: CHECKPOINT } as const
  expect(() => formatProof({ ...proof, index: -1 })).toThrow(RangeError)
  expect(() => formatProof({ ...proof, checkpoint: '' })).toThrow(RangeError)
  expect(() => formatProof({ ...proof, hashes: [new Uint8Array(31)] })).toThrow(RangeError)
  const many = new Array(65).fill(new Uint8Array(32))
  expect(() => formatProof({ ...proof, hashes: many })).toThrow(RangeError)
})
