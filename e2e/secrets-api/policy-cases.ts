/** Cases A about what is permitted, by the policies of the registry, and what is recorded of it. In environment B. */
import { randomUUID } from 'node:crypto'
import { waitFor } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { expectCode, expectDenied, expectReply } from '../lib/secrets-call.ts'
import { SCOPES } from '../lib/secrets-issuer.ts'
import { setRules } from '../lib/secrets-policies.ts'
import type { SecretsDesk } from '../lib/secrets-site.ts'
import { SecretsStream } from '../lib/secrets-stream.ts'

const kv = (path: string): string => `openbao+kv2://secret/${path}`
const TEST = kv('app/test#value')
const STRIPE = kv('payments/stripe#api_key')

export function policyCases(desk: () => SecretsDesk): void {
  const alice = () => desk().issuer.token('alice', ['secrets.read'])
  const bob = () => desk().issuer.token('bob')

  describe('what is permitted', () => {
    test('A05: a use of what is below', async () => {
      expectReply(await desk().caller.value(TEST, alice()), 200, { value: 'two' })
      // One segment is not two, and the place itself is not below it.
      await desk().kv.write('app/deep/er', { value: 'x' })
      const deeper = kv('app/deep/er#value')
      expectDenied(await desk().caller.value(deeper, alice()), 'execute', deeper)
    })

    test('A06, A07: a denial is the same whether the secret is there or not', async () => {
      const { mark } = desk().kv
      const absent = kv('payments/none#x')
      const [of, ofNone] = await Promise.all([
        desk().caller.value(STRIPE, alice()),
        desk().caller.value(absent, alice()),
      ])
      expect(of?.json).toMatchObject({
        error: 'Forbidden',
        code: 'SECRET_AUTHZ_FAILED',
        details: {
          purpose: 'execute',
          effect: 'Deny',
          failures: [{ uri: STRIPE, code: 'DENY', reason: 'policy' }],
        },
      })
      const same = (json: { details: { decision_id?: string; failures: { uri: string }[] } }) => {
        const { correlation_id, details, ...others } = json as typeof json & {
          correlation_id: string
        }
        const { decision_id, ...facts } = details
        expect(typeof decision_id).toBe('string')
        return { ...others, details: { ...facts, failures: facts.failures.map(withoutUri) } }
      }
      expect(same(of?.json)).toEqual(same(ofNone?.json))
      expect(Object.keys(of?.headers ?? {})).toEqual(Object.keys(ofNone?.headers ?? {}))
      expect(desk().kv.reads(mark)).toEqual([])
    })

    test('A09: a denial of one purpose among others', async () => {
      const uri = kv('app/api#token')
      const { mark } = desk().kv
      const ask = (body: object) => desk().caller.ask('POST', '/rotate', { body, token: bob() })
      expectDenied(await ask({ uri, value: 'x' }), 'rotate', uri)
      expect(
        desk()
          .kv.requests(mark)
          .filter(({ method }) => method !== 'GET'),
      ).toEqual([])
      expectReply(await ask({ uri: kv('rotated/elsewhere#k'), value: 'x' }), 200)
      expectReply(await desk().caller.write(uri, 't1', bob()), 200)
    })

    test('A10: every purpose of one who may do everything', async () => {
      expectReply(await desk().caller.value(STRIPE, bob()), 200, { value: 'sk' })
    })

    test('A23: of a listing, what may be seen', async () => {
      const { issuer, caller, kv: server } = desk()
      for (const name of ['one', 'two', 'two-more']) await server.write(`names/${name}`, { k: 'x' })
      const query = { q: 'o', prefix: kv('names') }
      const search = async (sub: string) => {
        const token = issuer.token(sub, ['secrets.read_metadata'])
        return (await caller.ask('GET', '/search', { query, token })).json
      }
      expect(await search('sam')).toMatchObject({ items: [{ uri: kv('names/two') }], total: 1 })
      expect(await search('bob')).toMatchObject({ total: 3 })
      expect(await search('alice')).toMatchObject({ items: [], total: 0 })
    })

    test('A24: to an owner, whom only the server names', async () => {
      const { issuer, caller, kv: server } = desk()
      const path = 'owned/hers'
      await server.write(path, { value: 'hers' })
      const custom_metadata = { owner: issuer.subject('olga') }
      await server.call('POST', `secret/metadata/${path}`, { custom_metadata })
      const uri = kv(`${path}#value`)
      const olga = () => issuer.token('olga', ['secrets.read'])
      expectReply(await caller.value(uri, olga()), 200, { value: 'hers' })
      const said = { Owner: issuer.subject('olga'), 'X-Owner': issuer.subject('olga') }
      expectDenied(await caller.value(TEST, olga(), { headers: said }), 'execute', TEST)
      expectDenied(await caller.value(uri, alice(), { headers: said }), 'execute', uri)
    })

    test('C07: a copy to where nothing may be written reads nothing', async () => {
      const { issuer, caller, kv: server } = desk()
      const { mark } = server
      const [fromUri, toUri] = [TEST, kv('app/copied#value')]
      const token = issuer.token('dora')
      const reply = await caller.ask('POST', '/copy', { body: { fromUri, toUri }, token })
      expectDenied(reply, 'write', toUri)
      expect(server.reads(mark)).toEqual([])
    })

    test('of the registry itself, by the paths that its secrets are', async () => {
      const { issuer, caller, admin } = desk()
      for (const name of ['jwt', 'other']) {
        const value = { token: name }
        await admin.ok('set', { key: `/secret/${name}/api`, value, type: 'json', encrypt: true })
      }
      const actions = ['read', 'decrypt', 'read-metadata', 'create', 'update']
      const resources = ['/secret/jwt/*']
      const rule = { id: 'r', effect: 'allow', principals: [issuer.principal('jo')] }
      await setRules(admin, 'jo', [{ ...rule, actions, resources }])
      const jo = () => issuer.token('jo')
      const uri = 'secreg://secret/jwt/api#token'
      expectReply(await caller.value(uri, jo()), 200, { value: 'jwt' })
      expectReply(await caller.write(`${uri}-2`, 'two', jo()), 200, { status: 'ok' })
      for (const path of ['other/api', 'other/none']) {
        const denied = `secreg://secret/${path}#token`
        expectDenied(await caller.value(denied, jo()), 'execute', denied)
        expectDenied(await caller.write(denied, 'x', jo()), 'write', denied)
      }
      // Rights to what is elsewhere are none here, and the reverse.
      expectDenied(await caller.value(uri, bob()), 'execute', uri)
      expectDenied(await caller.value(TEST, jo()), 'execute', TEST)
    })

    test('a change of policy counts at once', async () => {
      const { issuer, caller, admin } = desk()
      const erin = () => issuer.token('erin', ['secrets.read'])
      const rules = (effect: 'allow' | 'deny') => [
        {
          id: 'r',
          effect,
          principals: [issuer.principal('erin')],
          actions: ['read', 'decrypt'],
          resources: [kv('app/test')],
          ...(effect === 'allow' ? { obligations: { maxUses: 100, ttlSeconds: 600 } } : {}),
        },
      ]
      await setRules(admin, 'erin', rules('allow'))
      for (let time = 0; time < 3; time++) expectReply(await caller.value(TEST, erin()), 200)
      await setRules(admin, 'erin', rules('deny'))
      expectDenied(await caller.value(TEST, erin()), 'execute', TEST)
    })
  })

  describe('what is recorded', () => {
    test('K04: every denial, however few uses are', async () => {
      const correlation = randomUUID()
      const headers = { 'X-Correlation-Id': correlation }
      const reply = await desk().caller.value(STRIPE, alice(), { headers })
      const { decision_id } = reply.json.details
      const found = await waitFor(() =>
        desk()
          .broker.records('acme.secrets.audit')
          .find(({ value }) => value?.includes(correlation)),
      )
      const envelope = JSON.parse(found.value ?? '')
      expect(envelope).toMatchObject({
        event_type: 'SECRET_DENY',
        user_context: { subject: desk().issuer.subject('alice'), issuer: desk().issuer.issuer },
        data: {
          decision: 'Deny',
          decision_id,
          effect: 'failure',
          resource_ref: expect.stringMatching(/^[\w-]{43}$/),
          tenant_id: 'dev',
          sampled: false,
        },
      })
    })

    test('K01: the topics have the name that they were given', async () => {
      await waitFor(() => desk().broker.topics.length >= 2)
      expect([...desk().broker.topics].sort()).toEqual(['acme.secrets', 'acme.secrets.audit'])
      const ids = (topic: string) =>
        desk()
          .broker.records(topic)
          .map(({ value }) => JSON.parse(value ?? '').event_id)
          .sort()
      await waitFor(() => ids('acme.secrets').length === ids('acme.secrets.audit').length)
      expect(ids('acme.secrets')).toEqual(ids('acme.secrets.audit'))
      expect(new Set(ids('acme.secrets')).size).toBe(ids('acme.secrets').length)
    })
  })

  describe('tenants', () => {
    const other = (sub: string, tenant?: string) =>
      desk().issuerAt(1).token(sub, SCOPES, { tenant })

    test('K15: one never sees what happens in another', async () => {
      const { caller, issuer, admin, http } = desk()
      const who = desk().issuerAt(1).principal('tess')
      const rule = { effect: 'allow', principals: [who] }
      await setRules(admin, 'tess', [
        { ...rule, id: 'reads', actions: ['read', 'decrypt'], resources: ['yaml://secret/**'] },
        { ...rule, id: 'tenant', actions: ['read-metadata'], resources: ['/'] },
      ])
      const uri = 'yaml://secret/env#FROM'
      using theirs = await SecretsStream.open(http, { token: other('tess', 'other') })
      using ours = await SecretsStream.open(http, { token: bob() })
      expect([theirs.status, ours.status]).toEqual([200, 200])
      expectReply(await caller.value(uri, other('tess', 'other')), 200, { value: 'src-val' })
      expectReply(await caller.value(uri, issuer.token('bob')), 200, { value: 'src-val' })
      const isRead = ({ event }: { event: string }): boolean => event === 'SECRET_READ'
      await Promise.all([theirs.frame(isRead), ours.frame(isRead)])
      for (const [stream, tenant] of [
        [theirs, 'other'],
        [ours, 'dev'],
      ] as const) {
        for (const { data } of stream.frames) expect(data.data.tenant_id).toBe(tenant)
        desk().heard.push(stream.text)
      }
      for (const [token, tenant] of [
        [other('tess', 'other'), 'other'],
        [bob(), 'dev'],
      ] as const) {
        const { json } = await caller.ask('GET', '/audit', { token })
        expect(json.total, tenant).toBeGreaterThan(0)
        for (const { data } of json.items) expect(data.tenant_id).toBe(tenant)
      }
    })

    test('K07: a stream ends with the token that opened it, and with the right to it', async () => {
      const { admin, issuer, http } = desk()
      const exp = Math.floor(Date.now() / 1000) + 2
      const token = issuer.token('bob', SCOPES, { exp })
      using expiring = await SecretsStream.open(http, { token })
      const rule = { id: 'r', effect: 'allow', principals: [issuer.principal('sue')] }
      await setRules(admin, 'sue', [{ ...rule, actions: ['read-metadata'], resources: ['/'] }])
      using denied = await SecretsStream.open(http, { token: issuer.token('sue') })
      expect([expiring.status, denied.status]).toEqual([200, 200])
      await admin.ok('policy', { op: 'delete', policy: 'sue' })
      const ended = { timeoutMs: 20_000, what: 'the stream to end' }
      await Promise.all([expiring, denied].map((stream) => waitFor(() => stream.ended, ended)))
      expect(Date.now() / 1000).toBeGreaterThan(exp - 1)
      desk().heard.push(expiring.text, denied.text)
    })

    test('U32: of one that has no mounts, every URI is refused', async () => {
      for (const uri of [TEST, STRIPE, 'yaml://secret/env#FROM', 'secreg://secret/a#b']) {
        const reply = await desk().caller.value(uri, other('tess', 'empty'))
        expectCode(reply, 400, 'TENANT_MOUNT_MISMATCH', uri)
      }
    })

    test('one that is not known, or not named, is none', async () => {
      for (const [at, tenant] of ['unknown', '', undefined].entries()) {
        const from = `127.0.4.${at + 1}`
        const reply = await desk().caller.value(TEST, other('tess', tenant), { from })
        expectCode(reply, 401, 'UNAUTHENTICATED', tenant)
      }
    })
  })
}

function withoutUri<T extends { uri: string }>({ uri: _, ...failure }: T): Omit<T, 'uri'> {
  return failure
}
