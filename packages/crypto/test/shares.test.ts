import { readShare } from '@secreg/crypto'
import { nodeBackend } from '@secreg/crypto/node'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { combineShares, formatSetId, splitSecret } from '../src/shares.ts'
import { codeOf } from './support.ts'

const secret = new Uint8Array(32).map((_, i) => 255 - i)
const set = new Uint8Array(8).map((_, i) => i)
const info = { setId: formatSetId(set), threshold: 3, count: 5 }
const shares = await splitSecret(secret, set, 3, 5)

/** Every choice of `k` of these. */
function choose<T>(items: readonly T[], k: number): T[][] {
  if (k === 0) return [[]]
  return items.flatMap((item, at) =>
    choose(items.slice(at + 1), k - 1).map((rest) => [item, ...rest]),
  )
}

describe('combining', () => {
  test('any three of five, in any order, give the secret', async () => {
    for (const some of choose(shares, 3)) {
      expect(await combineShares(some, info)).toEqual(secret)
      expect(await combineShares(some.reverse(), info)).toEqual(secret)
    }
    expect(await combineShares(shares, info)).toEqual(secret)
  })

  test('fewer are not enough, and a share given twice counts once', async () => {
    const [a, b] = shares as [string, string]
    for (const some of [[], [a], [a, b], [a, b, b], [a, a, a, a.toLowerCase()]]) {
      expect(await codeOf(() => combineShares(some, info))).toBe('ERR_CRYPTO_SHARES_MISSING')
    }
    expect(await combineShares([a, a, b, shares[2] as string], info)).toEqual(secret)
  })

  test('whether a share is genuine shows only when enough are there', async () => {
    const foreign = await splitSecret(nodeBackend.randomBytes(32), set, 3, 5)
    const other = await splitSecret(
      secret,
      set.map((byte) => byte + 1),
      3,
      5,
    )
    const [a, b] = shares as [string, string]
    for (const [x] of [foreign, other] as [string][]) {
      expect(await codeOf(() => combineShares([a, x], info))).toBe('ERR_CRYPTO_SHARES_MISSING')
      expect(await combineShares([a, b, x], info)).not.toEqual(secret)
    }
  })

  test('many sizes', async () => {
    for (const [threshold, count] of [
      [2, 2],
      [2, 255],
      [255, 255],
      [5, 9],
    ] as const) {
      const made = await splitSecret(secret, set, threshold, count, nodeBackend)
      const some = made.slice(count - threshold)
      const sizes = { setId: info.setId, threshold, count }
      expect(await combineShares(some, sizes, nodeBackend)).toEqual(secret)
    }
  })
})

describe('text', () => {
  test('has this form', () => {
    for (const share of shares) expect(share).toMatch(/^SRS1(-[A-Z2-7]{7}){11}$/)
  })

  test('says what it is', () => {
    expect(shares.map((share) => readShare(share))).toEqual(
      [1, 2, 3, 4, 5].map((index) => ({ ...info, index })),
    )
  })

  test('case, spaces and hyphens do not matter', () => {
    const [share] = shares as [string]
    for (const text of [
      share.toLowerCase(),
      share.replaceAll('-', ''),
      `  ${share.replaceAll('-', ' \n')}\n`,
    ]) {
      expect(readShare(text)).toEqual({ ...info, index: 1 })
    }
  })

  test('every mistyped character is noticed', async () => {
    const [share] = shares as [string]
    for (let at = 0; at < share.length; at++) {
      if (share[at] === '-') continue
      const typed = share[at] === 'A' ? 'B' : 'A'
      const text = share.slice(0, at) + typed + share.slice(at + 1)
      expect(await codeOf(() => readShare(text))).toBe('ERR_CRYPTO_SHARE')
      const shorter = share.slice(0, at) + share.slice(at + 1)
      expect(await codeOf(() => readShare(shorter))).toBe('ERR_CRYPTO_SHARE')
    }
  })

  test('any other text is refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 2000 }), async (text) => {
        expect(await codeOf(() => readShare(text))).toBe('ERR_CRYPTO_SHARE')
        expect(await codeOf(() => readShare(`SRS1${text}`))).toBe('ERR_CRYPTO_SHARE')
      }),
    )
  })

  test('a mistyped share among good ones is named as mistyped', async () => {
    const [a, b] = shares as [string, string]
    expect(await codeOf(() => combineShares([a, b, 'SRS1-ABC'], info))).toBe('ERR_CRYPTO_SHARE')
  })
})

test('arguments', async () => {
  const bad = (value: unknown) => value as never
  expect(() => readShare(bad(1))).toThrow(TypeError)
  await expect(splitSecret(bad('x'), set, 2, 3)).rejects.toThrow(TypeError)
  await expect(splitSecret(new Uint8Array(31), set, 2, 3)).rejects.toThrow(RangeError)
  await expect(splitSecret(secret, new Uint8Array(7), 2, 3)).rejects.toThrow(RangeError)
  await expect(splitSecret(secret, set, 1, 3)).rejects.toThrow(RangeError)
  await expect(splitSecret(secret, set, 4, 3)).rejects.toThrow(RangeError)
  await expect(combineShares(bad('x'), info)).rejects.toThrow(TypeError)
  await expect(combineShares(new Array(256).fill(shares[0]), info)).rejects.toThrow(RangeError)
})
