/** The backends agree on random inputs: what one makes the other makes too, byte by byte, and opens. */
import {
  type CryptoBackend,
  createKeyRing,
  createSeal,
  deriveSubkey,
  KEY_PURPOSES,
  nobleBackend,
  nobleScrypt,
  openKeyRing,
  openSeal,
  openStream,
  openWithPassphrase,
  portableSeal,
  SCRYPT_FLOOR,
  type SealHeader,
  sealStream,
  sealWithPassphrase,
} from '@secreg/crypto'
import { createScryptPool, nodeBackend } from '@secreg/crypto/node'
import { fixNodeRandom, withFixedRandom } from '@secreg/testkit'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { openCommitted, sealCommitted } from '../src/committed-box.ts'

const pool = createScryptPool()
afterAll(() => pool.close())

const PAIRS: readonly (readonly [CryptoBackend, CryptoBackend])[] = [
  [nodeBackend, nobleBackend],
  [nobleBackend, nodeBackend],
]
const bytes = (max: number, min = 0) => fc.uint8Array({ minLength: min, maxLength: max })
const key = bytes(32, 32)
const seed = fc.string()

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of source) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** What both backends make with the same random bytes. */
async function bothMake<T>(
  random: string,
  make: (backend: CryptoBackend) => T | Promise<T>,
): Promise<T> {
  const [a, b] = [
    await make(withFixedRandom(nodeBackend, random)),
    await make(withFixedRandom(nobleBackend, random)),
  ]
  expect(a).toEqual(b)
  return a
}

test('on primitives', () => {
  fc.assert(
    fc.property(key, bytes(24, 24), bytes(300), bytes(300), (k, nonce, a, b) => {
      for (const [one, other] of PAIRS) {
        const sealed = one.xchachaSeal(k, nonce, a, b)
        expect(other.xchachaSeal(k, nonce, a, b)).toEqual(sealed)
        expect(other.xchachaOpen(k, nonce, a, sealed)).toEqual(b)
        expect(() => other.xchachaOpen(k, nonce, b, sealed.subarray(1))).toThrow()
        expect(other.hkdfSha256(a, b, a, 64)).toEqual(one.hkdfSha256(a, b, a, 64))
        expect(other.hmacSha256(a, b)).toEqual(one.hmacSha256(a, b))
        expect(other.sha256(a)).toEqual(one.sha256(a))
        expect(other.equal(a, b)).toBe(one.equal(a, b))
      }
    }),
  )
})

test('on keys of every purpose', () => {
  fc.assert(
    fc.property(key, fc.constantFrom(...KEY_PURPOSES), (root, purpose) => {
      expect(deriveSubkey(root, purpose, nodeBackend)).toEqual(
        deriveSubkey(root, purpose, nobleBackend),
      )
    }),
  )
})

test('on key rings and values', async () => {
  const binding = fc.record({
    entryId: bytes(16, 16),
    version: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    type: fc.constantFrom('string', 'integer', 'boolean', 'json', 'bytes'),
  })
  await fc.assert(
    fc.asyncProperty(seed, key, binding, bytes(300), async (random, root, place, value) => {
      const { rows, blobs } = await bothMake(random, (backend) => {
        const { ring, epoch } = createKeyRing(root, backend)
        const first = ring.sealValue(place, value)
        const next = ring.addEpoch()
        ring.activateEpoch(next.epoch)
        return { rows: [epoch, next], blobs: [first, ring.sealValue(place, value)] }
      })
      for (const [backend] of PAIRS) {
        const ring = openKeyRing(root, rows, backend)
        for (const blob of blobs) expect(ring.openValue(place, blob)).toEqual(value)
      }
    }),
  )
})

test('on committed boxes', async () => {
  await fc.assert(
    fc.asyncProperty(seed, key, bytes(100), bytes(300), async (random, secret, context, value) => {
      const box = await bothMake(random, (backend) =>
        sealCommitted(backend, secret, context, value),
      )
      for (const [backend] of PAIRS) {
        expect(openCommitted(backend, secret, context, box)).toEqual(value)
      }
    }),
  )
})

test('on seals', async () => {
  await fc.assert(
    fc.asyncProperty(seed, bytes(4096, 32), bytes(64, 32), async (random, file, credential) => {
      const { header, rootKey, shareSets } = await bothMake(random, (backend) =>
        fixNodeRandom(random, () =>
          createSeal(
            [
              { kind: 'key-file', bytes: file, label: 'a label' },
              { kind: 'systemd-credential', name: 'name', bytes: credential },
              { kind: 'shamir', threshold: 2, count: 3, recovery: true },
            ],
            { backend },
          ),
        ),
      )
      const portable = await bothMake(random, (backend): SealHeader => {
        const headerKey = deriveSubkey(rootKey, 'seal-header', backend)
        return portableSeal(header, headerKey, { backend })
      })
      for (const [backend] of PAIRS) {
        for (const given of [
          { kind: 'key-file', bytes: file },
          { kind: 'shamir', shares: shareSets[0]?.shares.slice(1) ?? [] },
        ] as const) {
          expect((await openSeal(header, given, { backend })).rootKey).toEqual(rootKey)
          expect((await openSeal(portable, given, { backend })).rootKey).toEqual(rootKey)
        }
      }
    }),
    { numRuns: 20 },
  )
})

test('on passphrase documents, scrypt included', async () => {
  const passphrase = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(seed, passphrase, bytes(200), async (random, text, value) => {
      const document = await bothMake(random, (backend) =>
        sealWithPassphrase('a-format', text, value, {
          backend,
          scrypt: backend.name === 'node' ? pool.scrypt : nobleScrypt,
          params: SCRYPT_FLOOR,
        }),
      )
      for (const [backend, scrypt] of [
        [nodeBackend, pool.scrypt],
        [nobleBackend, nobleScrypt],
      ] as const) {
        const opened = await openWithPassphrase('a-format', text, document, { backend, scrypt })
        expect(opened).toEqual(value)
      }
    }),
    { numRuns: 5 },
  )
})

test('on streams', async () => {
  const length = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 200_000 }))
  await fc.assert(
    fc.asyncProperty(key, bytes(64), length, async (k, aad, size) => {
      const value = new Uint8Array(size).map((_, i) => (i * 7) >> 2)
      const sealed = await bothMake('', (backend) =>
        collect(sealStream(k, aad, [value], { backend })),
      )
      for (const [backend] of PAIRS) {
        const opened = await collect(openStream(k, aad, [sealed], { backend }))
        expect(opened.equals(value)).toBe(true)
      }
    }),
    { numRuns: 30 },
  )
})
