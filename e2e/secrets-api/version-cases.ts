/** Cases M that change something: owners, and versions that are deleted, brought back and destroyed. */
import { describe, expect, test } from 'vitest'
import { expectCode, expectReply, type SecretsReply } from '../lib/secrets-call.ts'
import type { SecretsDesk } from '../lib/secrets-site.ts'
import { API_METADATA } from '../lib/secrets-store.ts'

const API = 'openbao+kv2://secret/app/api'
const LC = 'openbao+kv2://secret/app/lc'
const TEAM = 'auth:account:idp:data-team'

/** In environment A. */
export function versionCases(desk: () => SecretsDesk): void {
  const fresh = (title: string, run: (desk: SecretsDesk) => Promise<void>): void => {
    test(title, async () => {
      await desk().seed()
      await run(desk())
    })
  }
  const post = (path: string, body: object): Promise<SecretsReply> =>
    desk().caller.ask('POST', path, { body })
  const read = (version: string): Promise<SecretsReply> =>
    desk().caller.ask('GET', '/value', { query: { uri: `${LC}#value`, version } })

  describe('owners', () => {
    fresh('M10: are changed, and nothing else is', async ({ kv }) => {
      const reply = await post('/metadata/owner', { uri: API, owner: TEAM })
      expect(reply.json).toEqual({ status: 'ok', uri: API, owner: TEAM })
      expect((await kv.metadata('app/api')).custom_metadata).toEqual({
        ...API_METADATA,
        owner: TEAM,
      })
    })

    fresh(
      'M11: of a key, of nobody, of too long a name, and of YAML are refused',
      async ({ kv }) => {
        const set = (uri: string, owner: unknown) => post('/metadata/owner', { uri, owner })
        expectCode(await set(`${API}#token`, TEAM), 400, 'FRAGMENT_NOT_ALLOWED')
        expectCode(await set(`${API}?version=1`, TEAM), 400, 'VERSION_NOT_ALLOWED')
        for (const owner of ['', 'x'.repeat(513), 'a\nb', 7, null]) {
          expectCode(await set(API, owner), 400, 'INVALID_REQUEST', String(owner))
        }
        expectCode(await set('yaml://secret/env', TEAM), 501, 'OPERATION_NOT_SUPPORTED')
        expectCode(await set('openbao+kv2://secret/app/none', TEAM), 404, 'SECRET_NOT_FOUND')
        expect((await kv.metadata('app/api')).custom_metadata).toEqual(API_METADATA)
      },
    )
  })

  describe('versions', () => {
    fresh('M12: that are deleted are brought back', async () => {
      const reply = await post('/undelete', { uri: LC, versions: [2] })
      expect(reply.json).toEqual({ status: 'undeleted', uri: LC, versions: [2] })
      expectReply(await read('2'), 200, { value: 'v2', version: 2 })
    })

    fresh('M13: that are destroyed are not', async () => {
      const reply = await post('/undelete', { uri: LC, versions: [1] })
      expectCode(reply, 409, 'SECRET_VERSION_DESTROYED')
    })

    fresh('M14: are a list of numbers', async ({ kv }) => {
      const { mark } = kv
      for (const path of ['/undelete', '/destroy-versions']) {
        expectCode(await post(path, { uri: LC, versions: [] }), 400, 'VERSIONS_REQUIRED', path)
        const many = Array.from({ length: 101 }, (_, at) => at + 1)
        for (const versions of [[0], ['2'], [2, 2], [1.5], many, 2, null]) {
          const reply = await post(path, { uri: LC, versions })
          expectCode(reply, 400, 'INVALID_REQUEST', `${path} ${JSON.stringify(versions)}`)
        }
      }
      expect(kv.requests(mark)).toEqual([])
    })

    fresh('M15: are destroyed for good', async ({ caller }) => {
      const reply = await post('/destroy-versions', { uri: LC, versions: [2, 3] })
      expect(reply.json).toEqual({ status: 'destroyed', uri: LC, versions: [2, 3] })
      const { json } = await caller.ask('GET', '/versions', { query: { uri: LC } })
      expect(json.versions).toMatchObject([
        { version: 3, state: 'destroyed' },
        { version: 2, state: 'destroyed' },
        { version: 1, state: 'destroyed' },
      ])
      expectCode(await read('3'), 409, 'SECRET_VERSION_DESTROYED')
    })

    fresh('M16: are destroyed all or none', async () => {
      const reply = await post('/destroy-versions', { uri: LC, versions: [3, 42] })
      expectCode(reply, 404, 'SECRET_NOT_FOUND')
      expectReply(await read('3'), 200, { value: 'three' })
    })

    fresh('M17: are of a whole secret, and not of YAML', async () => {
      const of = (uri: string) => post('/undelete', { uri, versions: [2] })
      expectCode(await of(`${LC}#value`), 400, 'FRAGMENT_NOT_ALLOWED')
      expectCode(await of('yaml://secret/env'), 501, 'OPERATION_NOT_SUPPORTED')
    })
  })
}
