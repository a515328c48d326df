/** Very many requests at once, of one secret and its neighbours: nothing that was answered with 200 is lost. */
import { parseSecretUri } from '@secreg/secrets-api'
import type { SecretsAnswer } from '@secreg/secrets-api/service'
import { expect, test } from 'vitest'
import { PERMIT } from '../enforcement/support.ts'
import { openBench, serviceBench, stored, VersionedMemory } from './support.ts'

const NO_LIMIT = { requestLimit: { perSecond: 1e6, burst: 1e6 } }
const APP = 'openbao+kv2://secret/app'

/** A provider each call of which lets the others run first. */
const slow = (): VersionedMemory =>
  new VersionedMemory(async (method) => {
    for (let turns = method.length % 3; turns >= 0; turns--) await Promise.resolve()
  })

const failuresOf = ({ body }: SecretsAnswer): readonly unknown[] =>
  (body['results'] as readonly { ok: boolean; status: number; error?: { code: string } }[])
    .filter(({ ok }) => !ok)
    .map(({ error }) => error?.code)

test('1,000 bulk writes and copies of overlapping secrets', async () => {
  const openbao = slow()
  const { ask } = await openBench({ enforcement: NO_LIMIT, providers: { openbao } })
  const secrets = Array.from({ length: 50 }, (_, at) => `${APP}/s${at}`)
  const written = new Map<string, string>()
  const lost: unknown[] = []

  const bulk = async (at: number): Promise<void> => {
    const operations = [0, 1, 2].map((step) => {
      const uri = `${secrets[(at + step * 3) % secrets.length]}#k${at}-${step}`
      return { op: 'set', uri, value: `v${at}-${step}` }
    })
    // Three tries may not be enough against so many: then it says so, and is sent again.
    let open = operations
    while (open.length > 0) {
      const answer = await ask('bulk', { body: { operations: open } })
      const results = answer.body['results'] as readonly { ok: boolean }[]
      for (const code of failuresOf(answer)) if (code !== 'CAS_MISMATCH') lost.push(code)
      for (const [index, { ok }] of results.entries()) {
        const done = open[index]
        if (ok && done !== undefined) written.set(done.uri, done.value)
      }
      open = open.filter((_, index) => results[index]?.ok !== true)
    }
  }
  const copy = async (at: number): Promise<void> => {
    const fromUri = `${APP}/source#k`
    const toUri = `${secrets[at % secrets.length]}#copy${at}`
    for (;;) {
      const { status, body } = await ask('copy', { body: { fromUri, toUri } })
      if (status === 200) {
        written.set(toUri, 'copied')
        return
      }
      if (body['code'] !== 'CAS_MISMATCH') {
        lost.push(body['code'])
        return
      }
    }
  }

  await ask('write', { body: { uri: `${APP}/source#k`, value: 'copied' } })
  const requests = Array.from({ length: 1_000 }, (_, at) => (at % 4 === 3 ? copy(at) : bulk(at)))
  await Promise.all(requests)
  expect(lost).toEqual([])
  expect(written.size).toBe(750 * 3 + 250)
  const kept = new Map<string, unknown>()
  for (const uri of secrets) {
    const found = await openbao.read(parseSecretUri(uri))
    if (found.kind !== 'found') throw new Error('a secret is lost')
    for (const [key, value] of found.data) kept.set(`${uri}#${key}`, value)
  }
  expect(kept).toEqual(written)
}, 30_000)

test('W08: two keys of one secret, fifty times', async () => {
  const openbao = slow()
  const { told } = await openBench({ enforcement: NO_LIMIT, providers: { openbao } })
  for (let round = 0; round < 50; round++) {
    const uri = `${APP}/w${round}`
    const results = await Promise.all([
      told('write', { body: { uri: `${uri}#a`, value: 'a' } }),
      told('write', { body: { uri: `${uri}#b`, value: 'b' } }),
    ])
    expect(results).toEqual(['200', '200'])
    expect(await stored(openbao, uri)).toMatchObject({ data: { a: 'a', b: 'b' } })
  }
})

test('of two hundred copies to one place without overwriting, one is made', async () => {
  const openbao = slow()
  const { told } = await openBench({ enforcement: NO_LIMIT, providers: { openbao } })
  await told('write', { body: { uri: `${APP}/source`, value: { a: 1 } } })
  const body = { fromUri: `${APP}/source`, toUri: `${APP}/to` }
  const results = await Promise.all(Array.from({ length: 200 }, () => told('copy', { body })))
  expect(results.filter((each) => each === '200')).toHaveLength(1)
  const others = results.filter((each) => each !== '200')
  expect(new Set(others)).toEqual(new Set(['409 DESTINATION_EXISTS']))
})

test('A17: of 100 reads at once, no more than the permits are good for', async () => {
  const openbao = slow()
  const { told, policy } = await serviceBench({ enforcement: NO_LIMIT, providers: { openbao } })
  await told('write', { body: { uri: `${APP}/s#k`, value: 'x' } })
  const before = policy.asked.length
  openbao.calls.length = 0
  policy.answer(() => ({ ...PERMIT, obligations: { maxUses: 10 } }) as never)
  const reads = Array.from({ length: 100 }, () => told('value', { query: { uri: `${APP}/s#k` } }))
  expect(new Set(await Promise.all(reads))).toEqual(new Set(['200']))
  const permits = policy.asked.length - before
  expect(openbao.calls.filter((each) => each === 'read')).toHaveLength(100)
  expect(permits).toBe(10)
})
