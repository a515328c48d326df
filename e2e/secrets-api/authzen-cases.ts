/** Cases Z40 to Z43: how a decision point elsewhere is asked. */
import { describe, expect, test } from 'vitest'
import { expectCode, expectReply } from '../lib/secrets-call.ts'
import { AUDIENCE } from '../lib/secrets-issuer.ts'
import { sendJson } from '../lib/secrets-pdp.ts'
import type { SecretsDesk } from '../lib/secrets-site.ts'
import { PLATFORM } from '../lib/secrets-store.ts'

const kv = (path: string): string => `openbao+kv2://secret/${path}`

export function authzenCases(desk: () => SecretsDesk): void {
  describe('a decision point elsewhere', () => {
    test('Z40: is told who, what for, what, and what the server says of it', async () => {
      const { pdp, issuer, caller } = desk()
      const token = issuer.token('z40', ['secrets.read'])
      const headers = {
        'X-Workflow-Run-Id': 'run-7',
        'X-Node-Id': 'node-8',
        'X-System-Id': 'two words',
        'X-Correlation-Id': 'case-z40',
      }
      expectReply(await caller.value(kv('app/api#token'), token, { headers }), 200, { value: 't1' })
      const [request, ...more] = pdp.askedAbout(issuer.subject('z40'))
      expect(more).toEqual([])
      expect(request?.path).toBe('/access/v1/evaluation')
      expect(request?.headers['authorization']).toMatch(/^Bearer pdp-[0-9a-f]+$/)
      expect(request?.headers['content-type']).toMatch(/^application\/json/)
      expect(request?.headers['x-request-id']).toMatch(/^[\x21-\x7e]+$/)
      const { subject, action, resource, context } = request?.body ?? {}
      expect(subject).toEqual({
        type: 'account',
        id: issuer.subject('z40'),
        properties: {
          tenant_id: 'dev',
          issuer: issuer.issuer,
          client_id: 'spa-client',
          scopes: ['secrets.read'],
        },
      })
      expect(action).toEqual({ name: 'execute' })
      expect(resource).toEqual({
        type: 'secret',
        id: kv('app/api#token'),
        properties: {
          tenant_id: 'dev',
          provider: 'openbao',
          engine: 'kv2',
          mount: 'secret',
          path: 'app/api',
          fragment: 'token',
          owner: PLATFORM,
          created_by: 'auth:account:idp:alice',
          created_at: '2025-01-25T12:34:56Z',
        },
      })
      expect(context).toEqual({
        aud: [AUDIENCE],
        token_jti: expect.any(String),
        correlation_id: 'case-z40',
        binding_type: 'none',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        workflow_run_id: 'run-7',
        node_id: 'node-8',
        supported_obligations: ['custom'],
      })
      const text = JSON.stringify(request?.body)
      expect(text).not.toContain('null')
      expect(text).not.toContain('"t1"')
    })

    test('Z41: is asked about both sides of a copy at once', async () => {
      const { pdp, issuer, caller } = desk()
      const [fromUri, toUri] = [kv('app/api#user'), kv('decided/copy#user')]
      const body = { fromUri, toUri, overwrite: true }
      expectReply(await caller.ask('POST', '/copy', { body, token: issuer.token('z41') }), 200)
      const [request, ...more] = pdp.askedAbout(issuer.subject('z41'))
      expect(more).toEqual([])
      expect(request?.path).toBe('/access/v1/evaluations')
      expect(request?.questions.map(({ action, resource }) => [action.name, resource.id])).toEqual([
        ['read', fromUri],
        ['write', toUri],
      ])
    })

    describe('Z42: is asked about all that a listing would show at once', () => {
      const search = (sub: string) => {
        const { issuer, caller } = desk()
        const query = { q: 'o', prefix: kv('three') }
        return caller.ask('GET', '/search', { query, token: issuer.token(sub) })
      }

      test('and what is denied is not shown', async () => {
        const { pdp, issuer } = desk()
        for (const name of ['one', 'two', 'so-on'])
          await desk().kv.write(`three/${name}`, { k: 'v' })
        pdp.decide = ({ resource }) => ({ decision: resource.id.endsWith('/two') })
        const { json } = await search('z42')
        pdp.decide = () => ({ decision: true })
        expect(json).toMatchObject({ items: [{ uri: kv('three/two') }], total: 1 })
        const [request, ...more] = pdp.askedAbout(issuer.subject('z42'))
        expect(more).toEqual([])
        expect(request?.path).toBe('/access/v1/evaluations')
        expect(request?.body).toMatchObject({
          action: { name: 'read_metadata' },
          options: { evaluations_semantic: 'execute_all' },
        })
        expect(request?.body.evaluations).toHaveLength(3)
      })

      test('and where there are fewer answers than questions, nothing is', async () => {
        const { pdp } = desk()
        pdp.fault = (_, response) => {
          return sendJson(response, 200, { evaluations: [{ decision: true }, { decision: true }] })
        }
        const reply = await search('z42-fewer')
        pdp.fault = undefined
        expectReply(reply, 200, { items: [], total: 0 })
      })
    })

    test('Z42: denies a copy where it answers one of two questions', async () => {
      const { pdp, issuer, caller, kv: server } = desk()
      pdp.fault = (_, response) => sendJson(response, 200, { evaluations: [{ decision: true }] })
      const { mark } = server
      const body = { fromUri: kv('app/api#user'), toUri: kv('decided/z42#user') }
      const reply = await caller.ask('POST', '/copy', { body, token: issuer.token('z42-copy') })
      pdp.fault = undefined
      expectCode(reply, 403, 'SECRET_AUTHZ_FAILED')
      expect(server.reads(mark)).toEqual([])
    })

    test('Z43: has not answered where the answers have another name', async () => {
      const { pdp } = desk()
      pdp.fault = (_, response) => {
        return sendJson(response, 200, { decisions: [{ decision: true }, { decision: true }] })
      }
      const { issuer, caller, kv: server } = desk()
      const { mark } = server
      const body = { fromUri: kv('app/api#user'), toUri: kv('decided/z43#user') }
      const reply = await caller.ask('POST', '/copy', { body, token: issuer.token('z43') })
      pdp.fault = undefined
      expectCode(reply, 503, 'PDP_UNAVAILABLE')
      expect(server.reads(mark)).toEqual([])
    })
  })
}
