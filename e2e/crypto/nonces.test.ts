/** No nonce comes twice under one data key: a million encryptions, in a hundred lives of a process. */
import { fileURLToPath } from 'node:url'
import { createKeyRing } from '@secreg/crypto'
import { nodeBackend } from '@secreg/crypto/node'
import { startNode } from '@secreg/testkit'
import { expect, test } from 'vitest'

const LIVES = 100
const ENCRYPTIONS = 10_000
const NONCE_BYTES = 24
const PROGRAM = fileURLToPath(new URL('../lib/seal-values.mjs', import.meta.url))

test(`${LIVES * ENCRYPTIONS} encryptions in ${LIVES} processes have as many nonces`, {
  timeout: 180_000,
}, async () => {
  const root = nodeBackend.randomBytes(32)
  const { epoch } = createKeyRing(root, nodeBackend)
  const input = JSON.stringify({
    root: Buffer.from(root).toString('hex'),
    epochs: [epoch],
    count: ENCRYPTIONS,
  })
  const seen = new Set<string>()
  let left = LIVES
  const live = async (): Promise<void> => {
    while (left-- > 0) {
      const child = startNode(PROGRAM, [], { input, maxOutputBytes: NONCE_BYTES * ENCRYPTIONS })
      expect(await child.exit, child.stderr()).toMatchObject({ code: 0 })
      const nonces = Buffer.from(child.stdoutBytes())
      expect(nonces).toHaveLength(NONCE_BYTES * ENCRYPTIONS)
      for (let at = 0; at < nonces.length; at += NONCE_BYTES) {
        seen.add(nonces.toString('latin1', at, at + NONCE_BYTES))
      }
    }
  }
  await Promise.all([live(), live()])
  expect(seen.size).toBe(LIVES * ENCRYPTIONS)
})
