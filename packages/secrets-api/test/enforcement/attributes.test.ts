import type { SecretProvider } from '@secreg/secrets-api'
import { ATTRIBUTES_AT_ONCE, providerAttributes } from '@secreg/secrets-api/enforcement'
import { expect, test } from 'vitest'
import { readAttributes } from '../../src/enforcement/attributes.ts'
import { QUESTIONS_AT_ONCE } from '../../src/enforcement/authorizer.ts'
import { VersionedMemory } from '../provider/memory-provider.ts'
import { bench, kv, yaml } from './support.ts'

const never = new AbortController().signal

test('the stamped members, and no others', async () => {
  const openbao = new VersionedMemory()
  await openbao.write(kv('a'), new Map([['k', 'v']]))
  await openbao.patchMetadata(
    kv('a'),
    new Map([
      ['owner', 'alice'],
      ['team', 'x'],
    ]),
  )
  const asked: string[] = []
  const port = providerAttributes((name) => {
    asked.push(name)
    return name === 'openbao' ? openbao : undefined
  })
  expect(await port.attributesOf(kv('a#k'), never)).toEqual({ owner: 'alice' })
  expect(await port.attributesOf(kv('absent'), never)).toBeUndefined()
  expect(await port.attributesOf(yaml('a'), never)).toBeUndefined()
  expect(asked).toEqual(['openbao', 'openbao', 'yaml'])
})

test('a provider without custom metadata is not asked', async () => {
  const provider = { capabilities: { customMetadata: false } } as SecretProvider
  expect(await providerAttributes(() => provider).attributesOf(yaml('a'), never)).toBeUndefined()
})

test('a secret is asked about once, a few at a time, and what fails is unknown', async () => {
  const asked: string[] = []
  let running = 0
  let most = 0
  const port = {
    async attributesOf({ path }: { path: string }) {
      asked.push(path)
      most = Math.max(most, ++running)
      await new Promise((resolve) => setImmediate(resolve))
      running--
      if (path.endsWith('/x3')) throw new Error('no')
      return { owner: path }
    },
  }
  const uris = Array.from({ length: 40 }, (_, at) => kv(`x${at % 20}#k${at}`))
  const found = await readAttributes(port, [...uris, undefined], never)
  expect(asked).toHaveLength(20)
  expect(most).toBe(ATTRIBUTES_AT_ONCE)
  expect(found).toEqual([
    ...uris.map(({ path }) => (path.endsWith('/x3') ? undefined : { owner: path })),
    undefined,
  ])
})

test('what does not come in time is unknown', async () => {
  const controller = new AbortController()
  const port = {
    attributesOf: ({ path }: { path: string }) =>
      path.endsWith('/slow') ? new Promise<undefined>(() => {}) : Promise.resolve({ owner: 'o' }),
  }
  const found = readAttributes(port, [kv('fast'), kv('slow')], controller.signal)
  await new Promise((resolve) => setImmediate(resolve))
  controller.abort()
  expect(await found).toEqual([{ owner: 'o' }, undefined])
  expect(await readAttributes(port, [kv('fast')], controller.signal)).toEqual([undefined])
})

test('a list of very many keeps its provider busy for one deadline, not for one after the other', async () => {
  const asked: string[] = []
  const deadlines: AbortController[] = []
  const { enforcement, admit } = bench({
    attributes: {
      attributesOf: (uri, signal) => {
        asked.push(uri.path)
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason))
          setImmediate(() => deadlines[0]?.abort())
        })
      },
    },
    newDeadline: () => {
      const deadline = new AbortController()
      deadlines.push(deadline)
      return deadline.signal
    },
  })
  const found = Array.from({ length: 3 * QUESTIONS_AT_ONCE }, (_, at) => kv(`x${at}`))
  const result = await enforcement.filter(admit(), 'search', found, (uri) => uri)
  expect(result).toMatchObject({ kind: 'filtered', items: { length: found.length } })
  expect(asked).toHaveLength(ATTRIBUTES_AT_ONCE)
})
