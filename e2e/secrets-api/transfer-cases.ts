/** Cases B and C in environment A: many at once, copies and moves. Each begins with the seed. */
import { waitFor } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { expectCode, expectReply, type SecretsReply } from '../lib/secrets-call.ts'
import type { SecretsDesk } from '../lib/secrets-site.ts'

const kv = (path: string): string => `openbao+kv2://secret/${path}`
const TEST = kv('app/test#value')
const LC = kv('app/lc')
const NEW = 'yaml://secret/env#NEW'

type Fresh = (title: string, run: (desk: SecretsDesk) => Promise<void>) => void

/** In environment A. */
export function transferCases(desk: () => SecretsDesk): void {
  const fresh: Fresh = (title, run) => {
    test(title, async () => {
      await desk().seed()
      await run(desk())
    })
  }
  describe('many at once', () => bulks(desk, fresh))
  describe('copies', () => copies(fresh))
  describe('moves', () => moves(fresh))
}

function bulks(desk: () => SecretsDesk, fresh: Fresh): void {
  const bulk = (operations: unknown, more: object = {}): Promise<SecretsReply> =>
    desk().caller.ask('POST', '/bulk', { body: { operations, ...more } })
  const set = { op: 'set', uri: NEW, value: 'abc' }
  const bad = { op: 'delete', uri: kv('app/../test') }

  fresh('B01: are done in order, and none tells a value', async ({ caller }) => {
    const reply = await bulk([set, { op: 'delete', uri: TEST }])
    expectReply(reply, 200, {
      results: [
        { index: 0, op: 'set', uri: NEW, ok: true, status: 200 },
        { index: 1, op: 'delete', uri: TEST, ok: true, status: 200 },
      ],
      summary: { total: 2, succeeded: 2, failed: 0, skipped: 0 },
    })
    expect(reply.text).not.toContain('"abc"')
    expectReply(await caller.value(NEW), 200, { value: 'abc' })
    expectCode(await caller.value(TEST), 404, 'SECRET_NOT_FOUND')
  })

  fresh('B02: a bad URI is a failure of its own', async ({ caller }) => {
    expectReply(await bulk([set, bad]), 207, {
      results: [
        { ok: true, status: 200 },
        { index: 1, ok: false, status: 400, error: { code: 'ILLEGAL_SEGMENT' } },
      ],
      summary: { total: 2, succeeded: 1, failed: 1, skipped: 0 },
    })
    expectReply(await caller.value(NEW), 200, { value: 'abc' })
  })

  fresh('B03: behind a failure nothing is done where that is wanted', async ({ caller }) => {
    expectReply(await bulk([bad, set], { continueOnError: false }), 207, {
      results: [
        { ok: false, status: 400 },
        { ok: false, status: 424, error: { code: 'NOT_ATTEMPTED' } },
      ],
      summary: { total: 2, succeeded: 0, failed: 1, skipped: 1 },
    })
    expectCode(await caller.value(NEW), 404, 'FRAGMENT_NOT_FOUND')
  })

  fresh('B04: a request that is none is refused as a whole', async ({ caller }) => {
    const { op: _, ...nameless } = set
    for (const operations of [
      [set, { op: 'read', uri: TEST }],
      [set, nameless],
      [set, { ...set, overwrite: true }],
      [],
      Array.from({ length: 101 }, () => set),
      { 0: set },
      null,
    ]) {
      const what = JSON.stringify(operations).slice(0, 80)
      expectCode(await bulk(operations), 400, 'INVALID_REQUEST', what)
    }
    expectCode(await caller.value(NEW), 404, 'FRAGMENT_NOT_FOUND')
  })

  fresh('B05: a secret is destroyed as a whole, or some versions of it', async ({ kv: server }) => {
    expectReply(await bulk([{ op: 'destroy', uri: LC, versions: [3] }]), 200, {
      results: [{ op: 'destroy', ok: true }],
    })
    expect((await server.metadata('app/lc')).versions['3'].destroyed).toBe(true)
    expectReply(await bulk([{ op: 'destroy', uri: LC }]), 200)
    expect(await server.metadata('app/lc')).toBe(undefined)
  })

  fresh('B06: only versions are brought back', async () => {
    expectReply(await bulk([{ op: 'undelete', uri: LC }, set]), 207, {
      results: [{ ok: false, status: 400, error: { code: 'VERSIONS_REQUIRED' } }, { ok: true }],
    })
  })

  fresh('B08: of one secret are done in order', async ({ caller }) => {
    expectReply(await bulk([set, { op: 'delete', uri: NEW }]), 200)
    expectCode(await caller.value(NEW), 404, 'FRAGMENT_NOT_FOUND')
    expectReply(await bulk([set, { ...set, value: 'later' }]), 200)
    expectReply(await caller.value(NEW), 200, { value: 'later' })
  })
}

function transfer(
  { caller }: SecretsDesk,
  kind: 'copy' | 'move',
  fromUri: string,
  toUri: string,
  more: object = {},
): Promise<SecretsReply> {
  return caller.ask('POST', `/${kind}`, { body: { fromUri, toUri, ...more } })
}

function copies(fresh: Fresh): void {
  const [from, to] = ['yaml://secret/env#FROM', 'yaml://secret/env#TO'] as const

  fresh(
    'C01, C02: are made once, and over what is there only where that is wanted',
    async (desk) => {
      const copy = (overwrite: boolean) => transfer(desk, 'copy', from, to, { overwrite })
      const reply = await copy(false)
      expect(reply.json).toEqual({ status: 'copied', fromUri: from, toUri: to, version: null })
      for (const uri of [from, to]) {
        expectReply(await desk.caller.value(uri), 200, { value: 'src-val' })
      }
      expectCode(await copy(false), 409, 'DESTINATION_EXISTS')
      expectReply(await copy(true), 200, { status: 'copied' })
    },
  )

  fresh('C03: of a version, to another provider', async (desk) => {
    const [source, target] = [`${TEST}?version=1`, 'hashicorp+kv2://secret/app/copy#value'] as const
    expectReply(await transfer(desk, 'copy', source, target), 200, { version: 1 })
    expectReply(await desk.caller.value(target), 200, { value: 'one' })
  })

  fresh('C04, C05, C06: that are none are refused before the source is read', async (desk) => {
    const { mark } = desk.kv
    for (const kind of ['copy', 'move'] as const) {
      for (const [source, target, code] of [
        [TEST, kv('app/copy'), 'FRAGMENT_MISMATCH'],
        [kv('app/test'), kv('app/copy#value'), 'FRAGMENT_MISMATCH'],
        [TEST, TEST, 'SAME_RESOURCE'],
        [TEST, TEST.replace('openbao+kv2', 'OpenBao+KV2'), 'SAME_RESOURCE'],
        [TEST, 'openbao+kv2://other/app/copy#value', 'TENANT_MOUNT_MISMATCH'],
        ['openbao+kv2://other/app/copy#value', TEST, 'TENANT_MOUNT_MISMATCH'],
        [TEST, `${kv('app/copy#value')}?version=1`, 'VERSION_NOT_ALLOWED'],
      ] as const) {
        expectCode(await transfer(desk, kind, source, target), 400, code, `${source} ${target}`)
      }
    }
    expect(desk.kv.requests(mark)).toEqual([])
  })

  fresh('C12: a destination that another writer makes meanwhile is left alone', async (desk) => {
    let resolve = (): void => {}
    const made = new Promise<void>((done) => {
      resolve = done
    })
    const { mark } = desk.kv
    const isCopy = ({ method, target }: { method: string; target: string }): boolean =>
      method === 'POST' && target.endsWith('/data/app/copy')
    desk.standIn.fail({ kind: 'hold', until: made }, 1, isCopy)
    const copying = transfer(desk, 'copy', TEST, kv('app/copy#value'), { overwrite: false })
    await waitFor(() => desk.kv.requests(mark).some(isCopy))
    await desk.kv.write('app/copy', { value: 'of another' })
    resolve()
    expectCode(await copying, 409, 'DESTINATION_EXISTS')
    expect(await desk.kv.read('app/copy')).toEqual({ data: { value: 'of another' }, version: 1 })
  })
}

function moves(fresh: Fresh): void {
  const target = 'hashicorp+kv2://secret/app/moved#value'

  fresh('C08: leave a source that can be brought back', async (desk) => {
    const reply = await transfer(desk, 'move', TEST, target)
    expect(reply.json).toEqual({ status: 'moved', fromUri: TEST, toUri: target, version: 1 })
    expectCode(await desk.caller.value(TEST), 404, 'SECRET_NOT_FOUND')
    expectReply(await desk.caller.value(target), 200, { value: 'two' })
    const body = { uri: kv('app/test'), versions: [2] }
    expectReply(await desk.caller.ask('POST', '/undelete', { body }), 200)
    expectReply(await desk.caller.value(TEST), 200, { value: 'two' })
  })

  fresh('C09: that end half-way say so', async (desk) => {
    const end = desk.standIn.fail({ kind: 'status', status: 500 }, 10, ({ method, target: at }) => {
      return at.includes('app/test') && (method === 'DELETE' || at.includes('/delete/'))
    })
    const reply = await transfer(desk, 'move', TEST, target)
    end()
    expectReply(reply, 502, { code: 'MOVE_SOURCE_DELETE_FAILED', details: { copied: true } })
    for (const uri of [TEST, target]) {
      expectReply(await desk.caller.value(uri), 200, { value: 'two' })
    }
  })

  fresh('C10: are of what is current', async (desk) => {
    const reply = await transfer(desk, 'move', `${TEST}?version=1`, target)
    expectCode(reply, 400, 'VERSION_NOT_ALLOWED')
  })

  fresh('C13: of one source, one succeeds', async (desk) => {
    const replies = await Promise.all(
      [1, 2].map((at) => transfer(desk, 'move', TEST, kv(`app/to-${at}#value`))),
    )
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1)
    expectCode(await desk.caller.value(TEST), 404, 'SECRET_NOT_FOUND')
  })
}
