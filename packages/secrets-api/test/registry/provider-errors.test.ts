import { REASONS, type Reason, SecregError } from '@secreg/protocol'
import { type ProviderError, type SecretProvider, SecretsApiError } from '@secreg/secrets-api'
import { registryProvider } from '@secreg/secrets-api/registry'
import { expect, test } from 'vitest'
import { providerErrorOf } from '../../src/registry/provider-errors.ts'
import { laterReasonOf } from '../reason-of.ts'
import { passing, registrySite } from './site.ts'

const PLACE = { mount: 'secret', segments: ['a'] }
const VALUE = 'value-of-a-secret'
const one = new Map([['k', VALUE]])

/** Each method once. */
const CALLS: readonly ((provider: SecretProvider, signal?: AbortSignal) => Promise<unknown>)[] = [
  (p, signal) => p.read(PLACE, of(signal)),
  (p, signal) => p.readVersion(PLACE, 1, of(signal)),
  (p, signal) => p.write(PLACE, one, of(signal)),
  (p, signal) => p.write(PLACE, one, { cas: 'found 1', ...of(signal) }),
  (p, signal) => p.remove(PLACE, 'found 1', of(signal)),
  (p, signal) => p.destroy(PLACE, 'gone 0', of(signal)),
  (p, signal) => p.undelete(PLACE, [1], of(signal)),
  (p, signal) => p.destroyVersions(PLACE, [1], of(signal)),
  (p, signal) => p.metadata(PLACE, of(signal)),
  (p, signal) => p.patchMetadata(PLACE, new Map([['owner', 'o']]), of(signal)),
  (p, signal) => p.list(PLACE, of(signal)),
]
const of = (signal: AbortSignal | undefined) => (signal === undefined ? {} : { signal })

/** A registry whose every answer is this. */
const answering = (answer: () => Promise<never>) =>
  registryProvider({
    get: answer,
    set: answer,
    txn: answer,
    versions: answer,
    history: answer,
    meta: answer,
    list: answer,
  })

test('every reason of the registry is one of the provider, and none a denial', () => {
  const text = `${VALUE} in a message`
  for (const reason of Object.keys(REASONS) as Reason[]) {
    const cause = new SecregError(reason, text, { retryAfterSeconds: 3 })
    const error = providerErrorOf(cause, undefined)
    expect([400, 409, 429, 502, 503], reason).toContain(error.status)
    expect(error.retryAfterSeconds).toBe(3)
    expect(error.message).not.toContain(VALUE)
    expect(JSON.stringify(error)).not.toContain(VALUE)
  }
})

test.each([
  ['SEALED', 'PROVIDER_UNAVAILABLE'],
  ['UNREACHABLE', 'PROVIDER_UNAVAILABLE'],
  ['BUSY', 'PROVIDER_BUSY'],
  ['TIMEOUT', 'PROVIDER_TIMEOUT'],
  ['AUDIT_FAILED', 'PROVIDER_ERROR'],
  ['SESSION_INVALID', 'PROVIDER_ERROR'],
  ['OUTCOME_UNKNOWN', 'PROVIDER_ERROR'],
  ['INTERNAL', 'PROVIDER_ERROR'],
] as const)('%s is %s of every method', async (reason, wanted) => {
  const provider = answering(async () => {
    throw new SecregError(reason, 'no')
  })
  for (const call of CALLS) expect(await laterReasonOf(call(provider))).toBe(wanted)
})

test('answers that are none, and errors that are none of the registry, are failures', async () => {
  for (const answer of [undefined, null, 1, {}]) {
    const provider = answering(async () => answer as never)
    const calls = [
      () => provider.read(PLACE),
      () => provider.readVersion(PLACE, 1),
      () => provider.metadata(PLACE),
      () => provider.list(PLACE),
    ]
    for (const call of calls) expect(await laterReasonOf(call)).toBe('PROVIDER_ERROR')
  }
  const failing = answering(async () => {
    throw new TypeError(VALUE)
  })
  for (const call of CALLS) expect(await laterReasonOf(call(failing))).toBe('PROVIDER_ERROR')
})

test('an entry that changes with every look is busy', async () => {
  const site = await registrySite()
  const key = '/secret/a'
  await site.admin.set({ key, type: 'json', value: '{}' })
  const unsteady = registryProvider({
    ...passing(site.admin),
    async get(request) {
      const answer = await site.admin.get(request)
      return { ...answer, modify_revision: answer.modify_revision + 1 }
    },
  })
  const calls = [
    () => unsteady.read(PLACE),
    () => unsteady.readVersion(PLACE, 1),
    () => unsteady.write(PLACE, one, { cas: 'found 1' }),
    () => unsteady.remove(PLACE, 'found 1'),
  ]
  for (const call of calls) expect(await laterReasonOf(call)).toBe('PROVIDER_BUSY')
  await site.close()
})

test('a registry that is locked', async () => {
  const site = await registrySite()
  const provider = registryProvider(site.admin)
  await provider.write(PLACE, one)
  await site.lock()
  expect(await laterReasonOf(provider.write(PLACE, one))).toBe('PROVIDER_UNAVAILABLE')
  await site.close()
})

test('a call that is given up makes no other request', async () => {
  const given = AbortSignal.abort(new Error('enough'))
  const never = answering(async () => {
    throw new Error('asked')
  })
  for (const call of CALLS) {
    const error = await call(never, given).catch((thrown: unknown) => thrown)
    expect(SecretsApiError.is(error, 'PROVIDER_TIMEOUT')).toBe(true)
    expect((error as ProviderError).cause).toBe(given.reason)
  }
})

test('a call that is given up while it waits ends, and goes no further', async () => {
  const site = await registrySite()
  const key = '/secret/a'
  await site.admin.set({ key, type: 'json', value: '{}' })
  const ending = new AbortController()
  const provider = registryProvider({
    ...passing(site.admin),
    async get(request) {
      const answer = await site.admin.get(request)
      ending.abort(new Error('enough'))
      return answer
    },
  })
  const { signal } = ending
  const write = provider.write(PLACE, one, { cas: 'found 1', signal })
  expect(await laterReasonOf(write)).toBe('PROVIDER_TIMEOUT')
  expect((await site.admin.meta({ op: 'get', key })).latest).toBe(1)
  await site.close()
})

test('arguments', () => {
  expect(() => registryProvider({} as never)).toThrow(TypeError)
  expect(() => registryProvider(undefined as never)).toThrow(TypeError)
})
