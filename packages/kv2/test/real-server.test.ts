/** The contract and the conformance cases against a real OpenBao or Vault, where one is named. */
import { randomBytes } from 'node:crypto'
import { createKv2Client } from '@secreg/kv2'
import { createNodeTransport } from '@secreg/kv2/node'
import { loadJsonLines, skipTest, waitFor } from '@secreg/testkit'
import { type Kv2Case, Kv2CaseRunner } from '@secreg/testkit/kv2'
import { afterAll, describe, expect, test } from 'vitest'
import { contract } from './contract.ts'

const url = process.env['SECREG_TEST_KV2_URL']
const token = process.env['SECREG_TEST_KV2_TOKEN']

const GROUPS = new Set([
  ...['envelope', 'config', 'write', 'read', 'patch', 'softdelete'],
  ...['prune', 'dva', 'meta', 'list', 'subkeys', 'limits'],
])
const CASES = new URL('../../testkit/test/vectors/kv2-cases.jsonl', import.meta.url)

if (url === undefined || token === undefined) {
  test('a real server', (context) => {
    skipTest(context, 'no KV v2 server: SECREG_TEST_KV2_URL and SECREG_TEST_KV2_TOKEN name one')
  })
} else {
  const mount = `secreg-test-${randomBytes(6).toString('hex')}`
  const admin = (method: string, body?: object): Promise<Response> =>
    fetch(`${url}/v1/sys/mounts/${mount}`, {
      method,
      headers: { 'X-Vault-Token': token },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })

  contract('over a real server', async () => {
    const made = await admin('POST', { type: 'kv', options: { version: '2' } })
    expect(made.status).toBe(204)
    const clientOf = (token: string) =>
      createKv2Client({ url, transport: createNodeTransport(), auth: { token }, mount })
    const client = clientOf(token)
    // A new mount takes a moment until it has version 2.
    await waitFor(async () => (await client.config()) !== undefined)
    return { client, stranger: clientOf('hvs.none') }
  })
  afterAll(async () => {
    await admin('DELETE')
  })

  describe('conformance cases', () => {
    const advance = (milliseconds: number): Promise<void> =>
      new Promise((resolve) => setTimeout(resolve, milliseconds))
    const runner = new Kv2CaseRunner({ url, token, advance })
    // What a case calls ours is a rule of this project, from which real servers differ.
    const cases = loadJsonLines<Kv2Case>(CASES).filter(
      ({ group, source }) => GROUPS.has(group) && source !== 'ours',
    )
    test.each(cases.map((one) => [one.id, one] as const))('%s', async (_id, one) => {
      expect(await runner.run(one)).toEqual([])
    })
  })
}
