import { hashPassword, SCRYPT_FLOOR, verifyPassword } from '@secreg/crypto'
import { createScryptPool, nodeBackend, type ScryptPool } from '@secreg/crypto/node'
import { afterAll, beforeAll, expect, test } from 'vitest'

let pool: ScryptPool
beforeAll(() => {
  pool = createScryptPool()
})
afterAll(() => pool.close())
const options = () => ({ scrypt: pool.scrypt, backend: nodeBackend, params: SCRYPT_FLOOR })

test('a password verifies against its own hash only', async () => {
  const stored = await hashPassword('correct horse', options())
  expect(stored).toMatch(/^\$scrypt\$ln=15,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  expect(await verifyPassword('correct horse', stored, options())).toBe(true)
  expect(await verifyPassword('correct horsf', stored, options())).toBe(false)
  expect(await verifyPassword(new TextEncoder().encode('correct horse'), stored, options())).toBe(
    true,
  )
})
