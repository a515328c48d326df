/**
 * Both backends, the key ring and the row check.
 *
 * Run with `npx vitest bench --run --root . --config ../../vitest.config.ts`.
 */
import { createKeyRing, nobleBackend, type ValueBinding } from '@secreg/crypto'
import { createRowCheck, nodeBackend } from '@secreg/crypto/node'
import { bench, describe } from 'vitest'

const BACKENDS = [nodeBackend, nobleBackend]
const key = nodeBackend.randomBytes(32)
const nonce = nodeBackend.randomBytes(24)
const aad = nodeBackend.randomBytes(55)
const binding: ValueBinding = { entryId: nodeBackend.randomBytes(16), version: 1, type: 'string' }

for (const [label, length] of [
  ['64 B', 64],
  ['1 MiB', 1_048_576],
] as const) {
  const plaintext = new Uint8Array(length).map((_, i) => i)
  const sealed = nodeBackend.xchachaSeal(key, nonce, aad, plaintext)
  for (const backend of BACKENDS) {
    const [again, opened] = [
      backend.xchachaSeal(key, nonce, aad, plaintext),
      backend.xchachaOpen(key, nonce, aad, sealed),
    ]
    if (Buffer.compare(again, sealed) !== 0 || Buffer.compare(opened, plaintext) !== 0) {
      throw new Error(`${backend.name} does not give equal bytes`)
    }
  }
  describe(`XChaCha20-Poly1305 seal ${label}`, () => {
    for (const backend of BACKENDS) {
      bench(backend.name, () => {
        backend.xchachaSeal(key, nonce, aad, plaintext)
      })
    }
  })
  describe(`XChaCha20-Poly1305 open ${label}`, () => {
    for (const backend of BACKENDS) {
      bench(backend.name, () => {
        backend.xchachaOpen(key, nonce, aad, sealed)
      })
    }
  })
}

describe('key ring on the node backend, 64 B', () => {
  const { ring } = createKeyRing(key, nodeBackend)
  const plaintext = new Uint8Array(64)
  const blob = ring.sealValue(binding, plaintext)
  bench('sealValue', () => {
    ring.sealValue(binding, plaintext)
  })
  bench('openValue', () => {
    ring.openValue(binding, blob)
  })
})

describe('keyed hashes', () => {
  const check = createRowCheck(key)
  const row = new Uint8Array(200)
  bench('row check of 200 B', () => {
    check.tag('e/0123456789abcdef0123456789abcdef', row)
  })
  for (const backend of BACKENDS) {
    bench(`HMAC-SHA256 of 200 B, ${backend.name}`, () => {
      backend.hmacSha256(key, row)
    })
    bench(`HKDF-SHA256 to 32 B, ${backend.name}`, () => {
      backend.hkdfSha256(key, aad, aad, 32)
    })
  }
})
