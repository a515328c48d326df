// One life of a process: opens the key ring that standard input gives, seals values, and writes the nonces, 24 bytes each.
import { text } from 'node:stream/consumers'
import { openKeyRing } from '@secreg/crypto'
import { nodeBackend } from '@secreg/crypto/node'

const { root, epochs, count } = JSON.parse(await text(process.stdin))
const ring = openKeyRing(Buffer.from(root, 'hex'), epochs, nodeBackend)
const place = { entryId: new Uint8Array(16), version: 1, type: 'string' }
const value = new Uint8Array(16)
const nonces = Buffer.alloc(24 * count)
for (let i = 0; i < count; i++) nonces.set(ring.sealValue(place, value).subarray(5, 29), 24 * i)
ring.wipe()
process.stdout.write(nonces)
