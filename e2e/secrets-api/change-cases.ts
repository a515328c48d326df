/** Cases W, L and O: writes, deletions, rotations. Each begins with the seed. */
import { describe, expect, test } from 'vitest'
import { expectCode, expectReply, type SecretsReply } from '../lib/secrets-call.ts'
import type { SecretsDesk } from '../lib/secrets-site.ts'

const kv = (path: string): string => `openbao+kv2://secret/${path}`
const STRIPE = 'hashicorp+kv2://secret/payments/stripe#api_key'
const KEY = 'yaml://secret/env#MY_API_KEY'
/** What a server says when a check did not hold. */
const NO_MATCH = 'check-and-set parameter did not match the current version'

const isWrite = ({ method, target }: { method: string; target: string }): boolean =>
  method === 'POST' && target.includes('/data/')

/** In environment A. */
export function changeCases(desk: () => SecretsDesk): void {
  const fresh = (title: string, run: (desk: SecretsDesk) => Promise<void>): void => {
    test(title, async () => {
      await desk().seed()
      await run(desk())
    })
  }
  describe('writes', () => writes(fresh))
  describe('writes that are refused', () => refusedWrites(desk, fresh))
  describe('deletions', () => deletions(fresh))
  describe('rotations', () => rotations(fresh))
}

type Fresh = (title: string, run: (desk: SecretsDesk) => Promise<void>) => void

function writes(fresh: Fresh): void {
  fresh('W01: a key of YAML', async ({ caller }) => {
    const uri = 'yaml://secret/env#MY_NEW'
    const written = await caller.write(uri, 'hello')
    expect(written.json).toEqual({ status: 'ok', uri, version: null })
    const all = await caller.ask('GET', '', { query: { uri: 'yaml://secret/env' } })
    expect(all.json).toEqual({ MY_API_KEY: 'abc123', FROM: 'src-val', MY_NEW: 'hello' })
  })

  fresh('W02: a key of a new secret, spelled as an object', async ({ caller, kv: server }) => {
    const { mark } = server
    const value = { value: 'hello' }
    expectReply(await caller.write(kv('app/new#value'), value), 200, { version: 1 })
    expect(await server.read('app/new')).toEqual({ data: value, version: 1 })
    const bodies = server
      .requests(mark)
      .filter(isWrite)
      .map(({ body }) => JSON.parse(body))
    expect(bodies).toEqual([{ options: { cas: 0 }, data: value }])
  })

  fresh('W03: a key among others', async ({ caller, kv: server }) => {
    const { mark } = server
    expectReply(await caller.write(kv('app/api#token'), 't2'), 200, { version: 2 })
    expect((await server.read('app/api'))?.data).toEqual({ token: 't2', user: 'u' })
    const [write] = server.requests(mark).filter(isWrite)
    expect(JSON.parse(write?.body ?? '').options).toEqual({ cas: 1 })
  })

  fresh('W04: all of it', async ({ caller, kv: server }) => {
    expectReply(await caller.write(kv('app/api'), { token: 'x' }), 200, { version: 2 })
    expect((await server.read('app/api'))?.data).toEqual({ token: 'x' })
  })

  fresh('W08: of fifty at once, none is lost', async ({ caller, kv: server }) => {
    const replies = await Promise.all(
      Array.from({ length: 50 }, async (_, at) => {
        const [name, value] = [at % 2 === 0 ? 'even' : 'odd', `value ${at}`]
        return { name, value, reply: await caller.write(kv(`app/api#${name}`), value) }
      }),
    )
    const done = replies.filter(({ reply }) => reply.status === 200)
    for (const { reply } of replies) {
      if (reply.status !== 200) expectCode(reply, 409, 'CAS_MISMATCH')
    }
    const { data, version } = (await server.read('app/api')) ?? { data: {}, version: 0 }
    expect(version).toBe(1 + done.length)
    expect(data).toMatchObject({ token: 't1', user: 'u' })
    for (const name of ['even', 'odd']) {
      const last = done
        .filter((one) => one.name === name)
        .sort((a, b) => a.reply.json.version - b.reply.json.version)
        .at(-1)
      expect(data[name]).toBe(last?.value)
    }
  })

  fresh('W11: over a deleted version, under its number', async ({ caller, kv: server }) => {
    const { mark } = server
    expectReply(await caller.write(kv('app/gone#k'), 'v'), 200, { version: 2 })
    expect(await server.read('app/gone')).toEqual({ data: { k: 'v' }, version: 2 })
    const [write] = server.requests(mark).filter(isWrite)
    expect(JSON.parse(write?.body ?? '').options).toEqual({ cas: 1 })
  })

  fresh('W12: the first one is stamped, once', async ({ caller, kv: server }) => {
    await caller.write(kv('app/first#k'), 'v')
    const stamped = (await server.metadata('app/first')).custom_metadata
    expect(stamped).toEqual({
      created_by: 'anonymous',
      owner: 'anonymous',
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/),
    })
    expectReply(await caller.write(kv('app/first#k'), 'w'), 200, { version: 2 })
    expect((await server.metadata('app/first')).custom_metadata).toEqual(stamped)
  })

  fresh('W13: a stamp that fails fails no write, and is told', async (desk) => {
    const { caller, kv: server, standIn } = desk
    const errors = await desk.metric('secrets_errors_total', 'code="PROVIDER_ERROR"')
    const end = standIn.fail(
      { kind: 'status', status: 500 },
      10,
      ({ method, target }) => method !== 'GET' && target.includes('/metadata/'),
    )
    const headers = { 'X-Correlation-Id': 'case-w13' }
    const body = { uri: kv('app/unstamped#k'), value: 'v' }
    expectReply(await caller.ask('POST', '', { body, headers }), 200, { version: 1 })
    end()
    expect((await server.metadata('app/unstamped')).custom_metadata ?? {}).toEqual({})
    expectReply(await caller.value(kv('app/unstamped#k')), 200, { value: 'v' })
    const query = { correlation_id: 'case-w13' }
    const { json } = await caller.ask('GET', '/audit', { query })
    expect(json.items).toMatchObject([
      { event_type: 'SECRET_ERROR', data: { code: 'PROVIDER_ERROR' } },
      { event_type: 'SECRET_CREATED' },
    ])
    expect(await desk.metric('secrets_errors_total', 'code="PROVIDER_ERROR"')).toBe(errors + 1)
  })
}

const BODIES: readonly (readonly [what: string, status: number, body: string | Buffer])[] = [
  ['no JSON', 400, '{"uri":'],
  ['nothing', 400, ''],
  ['a list', 400, '[]'],
  ['a name twice', 400, `{"uri":"${KEY}","uri":"${KEY}","value":"x"}`],
  ['an unknown name', 400, `{"uri":"${KEY}","value":"x","owerwrite":true}`],
  ['a prototype', 400, `{"uri":"${KEY}","value":"x","__proto__":{}}`],
  ['no UTF-8', 400, Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x7d])],
  ['too much', 413, JSON.stringify({ uri: KEY, value: 'x'.repeat(1024 * 1024) })],
]

function refusedWrites(desk: () => SecretsDesk, fresh: Fresh): void {
  test('W05, W06: what does not fit the URI', async () => {
    const { caller, kv: server } = desk()
    const { mark } = server
    expectCode(await caller.write(kv('app/api'), 'scalar'), 400, 'INCOMPATIBLE_PAYLOAD')
    for (const value of [{ a: 1, b: 2 }, [1], null]) {
      expectCode(await caller.write(kv('app/api#token'), value), 400, 'INCOMPATIBLE_PAYLOAD')
    }
    expect(server.requests(mark).filter(isWrite)).toEqual([])
  })

  test('W07: a version', async () => {
    const reply = await desk().caller.write(`${kv('app/api#token')}?version=2`, 'x')
    expectCode(reply, 400, 'VERSION_NOT_ALLOWED')
  })

  fresh('W09: after three checks that did not hold', async ({ caller, kv: server, standIn }) => {
    const { mark } = server
    const end = standIn.fail({ kind: 'status', status: 400, errors: [NO_MATCH] }, 100, isWrite)
    expectCode(await caller.write(kv('app/api#token'), 'x'), 409, 'CAS_MISMATCH')
    end()
    expect(server.requests(mark).filter(isWrite)).toHaveLength(3)
  })

  fresh('W10: where another version is current', async ({ caller, kv: server }) => {
    const body = { uri: kv('app/api#token'), value: 'x', cas: 7 }
    expectCode(await caller.ask('POST', '', { body }), 409, 'CAS_MISMATCH')
    expect(await server.read('app/api')).toEqual({ data: { token: 't1', user: 'u' }, version: 1 })
    expectReply(await caller.ask('POST', '', { body: { ...body, cas: 1 } }), 200, { version: 2 })
  })

  for (const [what, status, body] of BODIES) {
    test(`W14: a body of ${what}`, async () => {
      const code = status === 413 ? 'BODY_TOO_LARGE' : 'INVALID_REQUEST'
      expectCode(await desk().caller.ask('POST', '', { body }), status, code)
    })
  }

  test('W14: a body of another type', async () => {
    const body = JSON.stringify({ uri: KEY, value: 'x' })
    for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
      const reply = await desk().caller.ask('POST', '', { body, headers: { 'Content-Type': type } })
      expect(reply.status, type).toBe(415)
    }
  })
}

function deletions(fresh: Fresh): void {
  const remove = (
    { caller }: SecretsDesk,
    uri: string,
    more: Readonly<Record<string, string>> = {},
  ): Promise<SecretsReply> => caller.ask('DELETE', '', { query: { uri, ...more } })

  fresh('L01: of the only key is one of the version, and can be undone', async (desk) => {
    const { caller } = desk
    const uri = kv('app/test#value')
    const deleted = await remove(desk, uri)
    expectReply(deleted, 200, { status: 'deleted', uri, mode: 'version_deleted' })
    expectCode(await caller.value(uri), 404, 'SECRET_NOT_FOUND')
    const versions = await caller.ask('GET', '/versions', { query: { uri: kv('app/test') } })
    expect(versions.json.versions[0]).toMatchObject({ version: 2, state: 'deleted' })
    const body = { uri: kv('app/test'), versions: [2] }
    expectReply(await caller.ask('POST', '/undelete', { body }), 200, { status: 'undeleted' })
    expectReply(await caller.value(uri), 200, { value: 'two', version: 2 })
  })

  fresh('L02: of one key among others leaves the others', async (desk) => {
    const reply = await remove(desk, kv('app/api#token'))
    expectReply(reply, 200, { status: 'deleted', mode: 'key_removed', version: 2 })
    expect(await desk.kv.read('app/api')).toEqual({ data: { user: 'u' }, version: 2 })
  })

  fresh('L03: for good, of one key among others, is refused', async (desk) => {
    const reply = await remove(desk, kv('app/api#token'), { destroy: 'true' })
    expectReply(reply, 409, { code: 'DESTROY_AFFECTS_OTHER_KEYS', details: { other_keys: 1 } })
    expect((await desk.kv.read('app/api'))?.version).toBe(1)
  })

  fresh('L04: for good, of the only key, is one of everything', async (desk) => {
    const reply = await remove(desk, STRIPE, { destroy: 'true' })
    expectReply(reply, 200, { status: 'destroyed', mode: 'all_versions_destroyed' })
    expect(await desk.kv.metadata('payments/stripe')).toBe(undefined)
  })

  fresh('L05: for good, of a whole secret', async (desk) => {
    const reply = await remove(desk, kv('app/api'), { destroy: 'true' })
    expectReply(reply, 200, { status: 'destroyed', mode: 'all_versions_destroyed' })
    expect(await desk.kv.metadata('app/api')).toBe(undefined)
  })

  fresh('L06: `destroy` is a truth or none', async (desk) => {
    for (const destroy of ['TRUE', '1', '']) {
      const reply = await remove(desk, kv('app/api'), { destroy })
      expectCode(reply, 400, 'INVALID_REQUEST', destroy)
    }
    expect((await desk.kv.read('app/api'))?.version).toBe(1)
  })

  fresh('L07: of what is not there', async (desk) => {
    for (const uri of [kv('app/none'), kv('app/none#k'), 'yaml://secret/none', `${KEY}S`]) {
      expect((await remove(desk, uri)).status, uri).toBe(404)
    }
  })

  fresh('L08: of a key and of a node of YAML', async (desk) => {
    expectReply(await remove(desk, KEY), 200, { status: 'deleted', mode: 'key_removed' })
    expectReply(await remove(desk, 'yaml://secret/env'), 200, { mode: 'node_removed' })
    expectCode(await desk.caller.value('yaml://secret/env#FROM'), 404, 'SECRET_NOT_FOUND')
    expectReply(await desk.caller.value('yaml://secret/crud#DB_USER'), 200, { value: 'app' })
  })
}

function rotations(fresh: Fresh): void {
  const rotate = ({ caller }: SecretsDesk, uri: string, value: unknown): Promise<SecretsReply> =>
    caller.ask('POST', '/rotate', { body: { uri, value } })

  fresh('O01: of a key tells both versions, and is recorded', async (desk) => {
    const uri = kv('app/test#value')
    const reply = await rotate(desk, uri, 'new')
    expect(reply.json).toEqual({ status: 'rotated', uri, old_version: 2, new_version: 3 })
    const query = { event_type: 'SECRET_ROTATED', limit: '1' }
    const { json } = await desk.caller.ask('GET', '/audit', { query })
    expect(json.items[0]).toMatchObject({
      event_type: 'SECRET_ROTATED',
      correlation_id: reply.headers['x-correlation-id'],
      data: { kv_version: 3, old_version: 2, purpose: 'rotate' },
    })
  })

  fresh('O02: of a whole secret', async (desk) => {
    expectReply(await rotate(desk, kv('app/api'), { token: 'new' }), 200, { new_version: 2 })
    expect((await desk.kv.read('app/api'))?.data).toEqual({ token: 'new' })
  })

  fresh('O03: of a whole secret by one value is refused', async (desk) => {
    expectCode(await rotate(desk, kv('app/api'), 'scalar'), 400, 'INCOMPATIBLE_PAYLOAD')
  })

  fresh('O04: is done although the versions cannot be told', async (desk) => {
    const end = desk.standIn.fail({ kind: 'status', status: 500 }, 10, ({ method }) => {
      return method === 'GET'
    })
    const reply = await rotate(desk, kv('app/api'), { token: 'new' })
    end()
    expectReply(reply, 200, { status: 'rotated', old_version: null })
    expect((await desk.kv.read('app/api'))?.data).toEqual({ token: 'new' })
  })

  fresh('O05: is not done where the write fails', async (desk) => {
    const end = desk.standIn.fail({ kind: 'status', status: 500 }, 1, isWrite)
    expectCode(await rotate(desk, kv('app/test#value'), 'new'), 502, 'PROVIDER_ERROR')
    end()
    expect(await desk.kv.read('app/test')).toEqual({ data: { value: 'two' }, version: 2 })
  })

  fresh('O06: of YAML is a write', async (desk) => {
    const reply = await rotate(desk, KEY, 'n')
    expect(reply.json).toEqual({
      status: 'rotated',
      uri: KEY,
      old_version: null,
      new_version: null,
    })
    expectReply(await desk.caller.value(KEY), 200, { value: 'n' })
  })
}
