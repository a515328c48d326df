/** The contract and the conformance cases against a real OpenBao or Vault, where one is named. */
import { randomBytes } from 'node:crypto'
import { createKv2Client, type Kv2CallEvent, type Kv2ClientOptions } from '@secreg/kv2'
import { createNodeTransport } from '@secreg/kv2/node'
import { loadJsonLines, skipTest, waitFor } from '@secreg/testkit'
import { type Kv2Case, Kv2CaseRunner } from '@secreg/testkit/kv2'
import { afterAll, describe, expect, test } from 'vitest'
import { systemClock } from '../src/clock.ts'
import { contract } from './contract.ts'
import { failureOf } from './fake-transport.ts'

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
  const admin = async (method: string, path: string, body?: object): Promise<Response> => {
    const answer = await fetch(`${url}/v1/${path}`, {
      method,
      headers: { 'X-Vault-Token': token },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    expect(answer.ok, `${method} ${path}: ${answer.status}`).toBe(true)
    return answer
  }
  const clientOf = (auth: Kv2ClientOptions['auth'], options: Partial<Kv2ClientOptions> = {}) =>
    createKv2Client({ url, transport: createNodeTransport(), auth, mount, ...options })

  contract('over a real server', async () => {
    await admin('POST', `sys/mounts/${mount}`, { type: 'kv', options: { version: '2' } })
    const client = clientOf({ token })
    // A new mount takes a moment until it has version 2.
    await waitFor(async () => (await client.config()) !== undefined)
    return { client, stranger: clientOf({ token: 'hvs.none' }) }
  })
  afterAll(async () => {
    await admin('DELETE', `sys/mounts/${mount}`)
  })

  test('an AppRole logs in, is renewed, and logs in again once its token is revoked', async () => {
    await admin('POST', `sys/auth/${mount}`, { type: 'approle' })
    await admin('POST', `sys/policies/acl/${mount}`, {
      policy: `path "${mount}/data/*" { capabilities = ["create", "read", "update"] }
        path "${mount}/metadata/*" { capabilities = ["create", "read", "update"] }`,
    })
    try {
      const role = `auth/${mount}/role/app`
      await admin('POST', role, { token_policies: mount, token_ttl: '10s', token_max_ttl: '1h' })
      const roleId = await admin('GET', `${role}/role-id`)
      const secretId = await admin('POST', `${role}/secret-id`, {})
      const dataOf = async (answer: Response) =>
        ((await answer.json()) as { data: Record<string, string> }).data
      const auth = {
        roleId: (await dataOf(roleId))['role_id'] ?? '',
        secretId: (await dataOf(secretId))['secret_id'] ?? '',
        authMount: mount,
      }
      // Time passes for the client only: half of it is over, so that it renews.
      let aheadMs = 0
      const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + aheadMs }
      const ops: string[] = []
      const onCall = ({ op, outcome }: Kv2CallEvent): number => ops.push(`${op} ${outcome}`)
      const client = clientOf(auth, { clock, observer: { onCall } })
      await client.write('role', { k: 1 })
      aheadMs = 6000
      expect(await client.read('role')).toMatchObject({ data: { k: 1 } })
      await waitFor(() => ops.includes('renew ok'))
      // PATCH is not among the capabilities.
      expect(await client.patchMetadata('role', { customMetadata: { o: 't' } })).toBe(true)
      expect(await client.readMetadata('role')).toMatchObject({ customMetadata: { o: 't' } })
      expect(await failureOf(client.deleteLatest('role'))).toMatchObject({ code: 'ERR_KV2_DENIED' })

      const other = clientOf(auth, { observer: { onCall } })
      await other.read('role')
      await admin('POST', `sys/leases/revoke-prefix/auth/${mount}/login`)
      expect(await other.read('role')).toMatchObject({ data: { k: 1 } })
      expect(ops.filter((op) => op === 'login ok').length).toBeGreaterThanOrEqual(3)
      expect(await failureOf(clientOf({ ...auth, secretId: 'none' }).read('role'))).toMatchObject({
        code: 'ERR_KV2_NOT_AUTHENTICATED',
        status: 400,
      })
    } finally {
      await admin('DELETE', `sys/auth/${mount}`)
      await admin('DELETE', `sys/policies/acl/${mount}`)
    }
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
