/** The contract of providers over a real OpenBao or Vault, where one is named. */
import { randomBytes } from 'node:crypto'
import { createKv2Client } from '@secreg/kv2'
import { createNodeTransport } from '@secreg/kv2/node'
import { kv2Provider } from '@secreg/secrets-api/kv2'
import { skipTest, waitFor } from '@secreg/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testProvider } from '../provider/provider-contract.ts'
import { laterReasonOf } from '../reason-of.ts'
import { roomOf } from './kv2-site.ts'

const url = process.env['SECREG_TEST_KV2_URL']
const token = process.env['SECREG_TEST_KV2_TOKEN']

if (url === undefined || token === undefined) {
  test('a real server', (context) => {
    skipTest(context, 'no KV v2 server: SECREG_TEST_KV2_URL and SECREG_TEST_KV2_TOKEN name one')
  })
} else {
  const mount = `secreg-test-${randomBytes(6).toString('hex')}`
  const transport = createNodeTransport()
  const client = createKv2Client({ url, transport, auth: { token }, mount })
  const admin = async (method: string, body?: object): Promise<void> => {
    const answer = await fetch(`${url}/v1/sys/mounts/${mount}`, {
      method,
      headers: { 'X-Vault-Token': token },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    expect(answer.ok, `${method}: ${answer.status}`).toBe(true)
  }
  beforeAll(async () => {
    await admin('POST', { type: 'kv', options: { version: '2' } })
    // A new mount takes a moment until it has version 2.
    await waitFor(async () => (await client.config()) !== undefined)
  })
  afterAll(async () => {
    await admin('DELETE')
    await client.close()
  })
  const fresh = () => kv2Provider({ client: roomOf(client), name: 'openbao' })

  testProvider('KV version 2, over a real server', fresh)

  test('a token changes when its version is deleted, brought back, and in another life', async () => {
    const provider = fresh()
    const place = { mount: 'secret', segments: ['a'] }
    const one = new Map([['k', 'v']])
    await provider.write(place, one)
    const found = await provider.read(place)
    await provider.remove(place, found.token)
    const write = provider.write(place, one, { cas: found.token })
    expect(await laterReasonOf(write)).toBe('CAS_MISMATCH')
    await provider.undelete(place, [1])
    expect(await provider.read(place)).toEqual(found)
    await provider.destroy(place, found.token)
    expect(await provider.write(place, one)).toEqual({ version: 1, first: true })
    expect(await laterReasonOf(provider.destroy(place, found.token))).toBe('CAS_MISMATCH')
  })
}
