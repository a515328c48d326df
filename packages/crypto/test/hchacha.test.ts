import { readFileSync } from 'node:fs'
import { hchacha } from '@noble/ciphers/chacha.js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createHChaCha } from '../src/node/hchacha.ts'
import { hex } from './support.ts'

interface Vector {
  key: string
  nonce: string
  subkey: string
}
const { vectors } = JSON.parse(
  readFileSync(new URL('vectors/hchacha20.json', import.meta.url), 'utf8'),
) as { vectors: Vector[] }
const subject = createHChaCha()

test.each(vectors)('HChaCha20 vector %#', ({ key, nonce, subkey }) => {
  const out = new Uint8Array(32)
  subject.derive(hex(key), hex(nonce), out)
  expect(Buffer.from(out).toString('hex')).toBe(subkey)
})

test('agrees with noble on any key and nonce', () => {
  const words = (bytes: Uint8Array) => new Uint32Array(bytes.slice().buffer)
  const sigma = words(new TextEncoder().encode('expand 32-byte k'))
  const fixed = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
  fc.assert(
    fc.property(fixed(32), fixed(16), (key, nonce) => {
      const out = new Uint8Array(32)
      subject.derive(key, nonce, out)
      const expected = new Uint32Array(8)
      hchacha(sigma, words(key), words(nonce), expected)
      expect(out).toEqual(new Uint8Array(expected.buffer))
    }),
  )
})
