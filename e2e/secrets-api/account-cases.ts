/** Whoever the registry knows, over HTTP: tokens and passwords, what bounds them, and what is recorded. */
import { beforeAll, describe, expect, test } from 'vitest'
import { addUser, makeToken } from '../lib/gateway-site.ts'
import { ask } from '../lib/http-ask.ts'
import { expectCode, expectDenied, expectReply } from '../lib/secrets-call.ts'
import { permitEverything, setRules } from '../lib/secrets-policies.ts'
import type { SecretsDesk } from '../lib/secrets-site.ts'
import { PASSWORD } from '../lib/site.ts'
import type { Wire } from '../lib/wire.ts'

const TEST = 'openbao+kv2://secret/app/test#value'

/** Rights to entries of the registry below a place, in the place of those given before. */
async function permitEntries(admin: Wire, user: string, resource: string): Promise<void> {
  await setRules(admin, `${user}-entries`, [
    {
      id: 'r',
      effect: 'allow',
      principals: [`user:${user}`],
      actions: ['read', 'decrypt', 'create', 'update', 'read-metadata'],
      resources: [resource],
    },
  ])
}

export function accountCases(desk: () => SecretsDesk): void {
  describe('credentials of the registry over HTTP', () => {
    let token: string
    beforeAll(async () => {
      const { admin } = desk()
      await admin.ok('user', { op: 'add', user: 'rita', password: PASSWORD })
      token = (await makeToken(admin, 'rita')).secret
    })

    test('are good for what policies say, and who he is is recorded', async () => {
      const { caller, running } = desk()
      const headers = { 'X-Correlation-Id': 'case-rita' }
      expectReply(await caller.value(TEST, token, { headers }), 200, { value: 'two' })
      const basic = { Authorization: `Basic ${Buffer.from(`rita:${PASSWORD}`).toString('base64')}` }
      expectReply(await caller.value(TEST, undefined, { headers: basic }), 200, { value: 'two' })
      const record = running.site.records().find(({ body }) => body.action === 'secret')
      expect(record?.body).toMatchObject({ outcome: 'ok', paths: [expect.stringMatching(/^\w/)] })
      const found = running.site
        .records()
        .filter(({ body }) => body.action === 'secret' && body.actor.user === 'rita')
      expect(found).toMatchObject([
        { body: { outcome: 'ok', paths: [TEST], actor: { user: 'rita', door: 'http' } } },
        { body: { outcome: 'ok', paths: [TEST], actor: { user: 'rita', door: 'http' } } },
      ])
      const audit = await caller.ask('GET', '/audit', {
        query: { correlation_id: 'case-rita' },
        token,
      })
      expect(audit.json.items).toMatchObject([
        { event_type: 'SECRET_READ', user_context: { subject: 'auth:account:secreg:rita' } },
      ])
    })

    test('are one to a request', async () => {
      const { caller, running } = desk()
      const query = `uri=${encodeURIComponent(TEST)}`
      const path = await ask(`${running.site.at(token)}/api/secrets/value?${query}`)
      expect([path.status, path.json]).toMatchObject([200, { value: 'two' }])
      const headers = { 'X-Vault-Token': token }
      expectReply(await caller.value(TEST, undefined, { headers }), 200, { value: 'two' })
      const { secret } = await makeToken(desk().admin, 'rita')
      for (const other of [secret, 'a.b.c']) {
        const reply = await caller.value(TEST, other, { headers })
        expectCode(reply, 400, 'INVALID_REQUEST', other)
      }
    })

    test('that are no good are refused', async () => {
      const { caller } = desk()
      expectCode(await caller.value(TEST, 'sreg_0123456789abcdef_bad'), 401, 'UNAUTHENTICATED')
    })

    test('bound to a policy are good for no more than that', async () => {
      const { admin, caller } = desk()
      const rule = { id: 'r', effect: 'allow', principals: ['*'], actions: ['read', 'decrypt'] }
      await setRules(admin, 'bound', [{ ...rule, resources: ['openbao+kv2://secret/app/api'] }])
      const { secret } = await makeToken(admin, 'rita', { boundary: ['bound'] })
      expectReply(await caller.value('openbao+kv2://secret/app/api#user', secret), 200)
      expectDenied(await caller.value(TEST, secret), 'execute', TEST)
    })

    test('bound to a policy do not use what another token of the account was granted', async () => {
      const { admin, caller } = desk()
      const uri = 'openbao+kv2://secret/app/lc#value'
      const rule = { effect: 'allow', principals: ['user:rita'], actions: ['read', 'decrypt'] }
      const obligations = { maxUses: 100, ttlSeconds: 600 }
      await setRules(admin, 'rita-often', [
        { ...rule, id: 'r', resources: ['openbao+kv2://secret/app/lc'], obligations },
      ])
      expectReply(await caller.value(uri, token), 200, { value: 'three' })
      const { secret } = await makeToken(admin, 'rita', { boundary: ['bound'] })
      expectDenied(await caller.value(uri, secret), 'execute', uri)
      expectReply(await caller.value(uri, token), 200, { value: 'three' })
    })

    test('that are counted are used once by each request, whatever it does', async () => {
      const { admin, caller } = desk()
      await admin.ok('set', {
        key: '/secret/counted',
        value: { a: '1' },
        type: 'json',
        encrypt: true,
      })
      await permitEntries(admin, 'rita', '/secret/**')
      const { secret } = await makeToken(admin, 'rita', { uses: 3 })
      expectReply(await caller.value(TEST, secret), 200)
      // Reads its source, looks at its destination, and writes it, in the registry.
      const body = { fromUri: 'secreg://secret/counted#a', toUri: 'secreg://secret/counted#b' }
      expectReply(await caller.ask('POST', '/copy', { body, token: secret }), 200)
      const operations = ['c', 'd', 'e'].map((key) => {
        return { op: 'set', uri: `secreg://secret/counted#${key}`, value: key }
      })
      expectReply(await caller.ask('POST', '/bulk', { body: { operations }, token: secret }), 200)
      expectCode(await caller.value(TEST, secret), 401, 'UNAUTHENTICATED')
    })

    test('end with what the account was granted', async () => {
      const { admin, caller } = desk()
      const uri = 'openbao+kv2://secret/groups/one#k'
      await desk().kv.write('groups/one', { k: 'v' })
      await admin.ok('group', { op: 'add', kind: 'group', name: 'readers' })
      await addUser(admin, 'gina', { groups: ['readers'] })
      const { secret } = await makeToken(admin, 'gina')
      await setRules(admin, 'everything', [])
      const rule = { effect: 'allow', principals: ['group:readers'], actions: ['read', 'decrypt'] }
      const obligations = { maxUses: 100, ttlSeconds: 600 }
      await setRules(admin, 'readers', [
        { ...rule, id: 'r', resources: ['openbao+kv2://secret/groups/*'], obligations },
      ])
      for (let time = 0; time < 3; time++) expectReply(await caller.value(uri, secret), 200)
      await admin.ok('group', { op: 'leave', kind: 'group', name: 'readers', user: 'gina' })
      expectDenied(await caller.value(uri, secret), 'execute', uri)
      await admin.ok('user', { op: 'disable', user: 'gina' })
      expectCode(await caller.value(uri, secret), 401, 'UNAUTHENTICATED')
      await permitEverything(admin)
    })

    test('open what is in the registry itself, as they would there', async () => {
      const { admin, caller, running } = desk()
      await permitEntries(admin, 'rita', '/secret/own/**')
      const uri = 'secreg://secret/own/api#token'
      expectReply(await caller.write(uri, 'in the registry', token), 200, { status: 'ok', uri })
      expectReply(await caller.value(uri, token), 200, { value: 'in the registry' })
      const { value } = await admin.ok('get', { key: '/secret/own/api', decrypt: true })
      expect(JSON.parse(typeof value === 'string' ? value : JSON.stringify(value))).toEqual({
        token: 'in the registry',
      })
      const before = running.site.records().length
      const body = { fromUri: uri, toUri: 'secreg://secret/own/copy#token' }
      expectReply(await caller.ask('POST', '/copy', { body, token }), 200)
      const made = running.site.records().slice(before)
      const actions = made.map(({ body: { action } }) => action)
      // What it has read is part of the one record, what it has written is told twice.
      expect(actions.filter((action) => action === 'secret')).toEqual(['secret'])
      expect(actions).toContain('write')
      expect(actions).not.toContain('read')
      const other = 'secreg://secret/other/api#token'
      await admin.ok('set', { key: '/secret/other/api', value: '{"token":"x"}', encrypt: true })
      expectDenied(await caller.value(other, token), 'execute', other)
    })
  })
}
