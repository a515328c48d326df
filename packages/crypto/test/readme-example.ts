import { createSeal, openKeyRing, openSeal } from '@secreg/crypto'
import { createScryptPool, nodeBackend } from '@secreg/crypto/node'

const pool = createScryptPool()
const options = { backend: nodeBackend, scrypt: pool.scrypt }

// Once: seal a new root key. The header is JSON and goes to disk; the five shares go to five people.
const { header, shareSets } = await createSeal(
  [
    { kind: 'passphrase', passphrase: 'correct horse battery staple' },
    { kind: 'shamir', threshold: 3, count: 5 },
  ],
  options,
)

// At every start: find the root key again, and open the key ring.
const shares = shareSets[0]?.shares.slice(0, 3) ?? []
const { rootKey } = await openSeal(header, { kind: 'shamir', shares }, options)
const ring = openKeyRing(rootKey, header.epochs, nodeBackend)

// A value opens at its own place only.
const place = { entryId: nodeBackend.randomBytes(16), version: 1, type: 'string' }
const blob = ring.sealValue(place, new TextEncoder().encode('secret123'))
export const value: string = new TextDecoder().decode(ring.openValue(place, blob))

ring.wipe()
rootKey.fill(0)
await pool.close()
