/** Whatever does not unlock is refused with a reason of its own, recorded without what was given, and changes nothing. */
import { createMemoryFiles } from '@secreg/audit/testing'
import type { NewProtector } from '@secreg/crypto'
import { nodeBackend } from '@secreg/crypto/node'
import type { Reason, RequestOf } from '@secreg/protocol'
import { loginTestUser, TEST_ADMIN } from '@secreg/registry/testing'
import { MemoryEngine } from '@secreg/storage'
import { FaultEngine, forgeRow } from '@secreg/storage/testing'
import { expect, test } from 'vitest'
import { SEAL_KEY } from '../src/keys.ts'
import { type Home, linesOf, open, outcomeOf, PEER, reason, start } from './fixture.ts'

type Unlock = Omit<Extract<RequestOf<'seal'>, { op: 'unlock' }>, 'op'>

const ADMIN = { admin: TEST_ADMIN.admin, admin_password: TEST_ADMIN.admin_password }
const { passphrase } = TEST_ADMIN
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const random = (length: number): Uint8Array => nodeBackend.randomBytes(length)

interface Given {
  /** Of the set of the registry, three of them needed. */
  readonly shares: readonly string[]
  /** Of a set that is kept for recovery. */
  readonly kept: readonly string[]
  readonly foreign: readonly string[]
  readonly keyFile: Uint8Array
}

/** A sealed registry that takes a passphrase, 3 of 5 shares, and for recovery other shares. */
async function prepared(edit?: (header: object) => unknown) {
  const medium = new MemoryEngine()
  const files = createMemoryFiles()
  const home = await start({ engine: new FaultEngine(medium), files })
  const { api } = home
  const proof = { passphrase }
  const shares = { count: 5, threshold: 3 }
  const daily = await api.protector({ op: 'add', kind: 'shares', shares, proof })
  const kept = await api.protector({ op: 'add', kind: 'shares', shares, recovery: true, proof })
  await home.registry.close()
  if (edit !== undefined) {
    const row = await medium.get(SEAL_KEY)
    const header = JSON.parse(new TextDecoder().decode(row?.value)) as object
    const value = new TextEncoder().encode(JSON.stringify(edit(header)))
    forgeRow(medium, SEAL_KEY, value)
  }
  const other = await open()
  const foreign = await other.registry.initialize(PEER, { op: 'init', shares, ...ADMIN })
  const again = await open({ engine: new FaultEngine(medium), files })
  const given: Given = {
    shares: daily.shares ?? [],
    kept: kept.shares ?? [],
    foreign: foreign.shares ?? [],
    keyFile: random(64),
  }
  return { ...again, given }
}

const mistyped = (text = ''): string => `${text.slice(0, -1)}${text.endsWith('A') ? 'Q' : 'A'}`

const CASES: readonly (readonly [string, (given: Given) => Unlock, Reason, number])[] = [
  ['nothing', () => ({}), 'INVALID_ARGUMENT', 1],
  ['nothing but recovery', () => ({ recovery: true }), 'INVALID_ARGUMENT', 1],
  ['two at once', ({ shares }) => ({ passphrase, share: shares[0] }), 'INVALID_ARGUMENT', 1],
  ['a passphrase and a reset', () => ({ passphrase, reset: true }), 'INVALID_ARGUMENT', 1],
  ['a passphrase to finish', () => ({ passphrase, finish: true }), 'INVALID_ARGUMENT', 1],
  ['a wrong passphrase', () => ({ passphrase: 'not that' }), 'UNLOCK_FAILED', 4],
  ['an empty passphrase', () => ({ passphrase: '' }), 'UNLOCK_FAILED', 4],
  ['half a character', () => ({ passphrase: '\ud800'.repeat(12) }), 'UNLOCK_FAILED', 4],
  ['the passphrase as recovery', () => ({ passphrase, recovery: true }), 'NO_PROTECTOR', 6],
  ['a key file', ({ keyFile }) => ({ key_file: base64(keyFile) }), 'NO_PROTECTOR', 6],
  ['a short key file', () => ({ key_file: base64(random(31)) }), 'INVALID_ARGUMENT', 1],
  ['a long key file', () => ({ key_file: base64(random(4097)) }), 'INVALID_ARGUMENT', 1],
  ['a key file in hex', () => ({ key_file: `${'zz'.repeat(32)}=` }), 'INVALID_ARGUMENT', 1],
  ['an empty share', () => ({ share: '' }), 'SHARE_INVALID', 1],
  ['a mistyped share', ({ shares }) => ({ share: mistyped(shares[0]) }), 'SHARE_INVALID', 1],
  ['half a share', ({ shares }) => ({ share: shares[0]?.slice(0, 40) }), 'SHARE_INVALID', 1],
  ['a share of another registry', ({ foreign }) => ({ share: foreign[0] }), 'SHARE_FOREIGN', 4],
  ['a share kept for recovery', ({ kept }) => ({ share: kept[0] }), 'SHARE_FOREIGN', 4],
  [
    'a daily share as recovery',
    ({ shares }) => ({ share: shares[0], recovery: true }),
    'SHARE_FOREIGN',
    4,
  ],
  ['too few to finish', ({ shares }) => ({ share: shares[0], finish: true }), 'SHARES_MISSING', 6],
]

test.each(CASES)('%s', async (_, make, word, status) => {
  const { registry, given, files } = await prepared()
  const request = JSON.parse(JSON.stringify(make(given))) as Unlock
  const before = linesOf(files).length
  const outcome = await outcomeOf(() => registry.unlockBy(PEER, { op: 'unlock', ...request }))
  expect(outcome).toMatchObject({ reason: word, status })
  expect(registry.state).toBe('sealed')
  const lines = linesOf(files).slice(before)
  expect(lines.map(({ body }) => [body.action, body.outcome, body.reason])).toEqual([
    ['unlock', status === 4 ? 'denied' : 'failed', word],
  ])
  const told = JSON.stringify([outcome, lines])
  for (const secret of [request.passphrase, request.share, request.key_file]) {
    if (secret !== undefined && secret.length > 1) expect(told).not.toContain(secret)
  }
  // It opens afterwards as it did before.
  expect(await registry.unlockBy(PEER, { op: 'unlock', passphrase })).toEqual({ state: 'unsealed' })
})

test.each([
  [
    'no longer the one that was written',
    'SEAL_DAMAGED',
    (header: object) => ({ ...header, more: 1 }),
  ],
  ['an empty object', 'SEAL_DAMAGED', () => ({})],
  [
    'one with a protector taken out',
    'SEAL_DAMAGED',
    (header: object) => ({
      ...header,
      protectors: (header as { protectors: unknown[] }).protectors.slice(0, 2),
    }),
  ],
  [
    'one whose derivation is below the floor',
    'KDF_BELOW_FLOOR',
    (header: object) => JSON.parse(JSON.stringify(header).replace('"N":32768', '"N":16384')),
  ],
  ['one of a later format', 'CRYPTO_FAILED', (header: object) => ({ ...header, format: 2 })],
] as const)('the header on disk is %s: %s, whatever is given', async (_, word, edit) => {
  const { registry, given } = await prepared(edit)
  const unlock = (request: Unlock) => registry.unlockBy(PEER, { op: 'unlock', ...request })
  await expect(unlock({ passphrase })).rejects.toMatchObject({ reason: word, status: 8 })
  const share = unlock({ share: given.shares[0] as string }).then((answer) => answer.share_progress)
  // A check under the root key can only be made with that.
  if (_ === 'one with a protector taken out') expect(await share).toEqual({ have: 1, need: 3 })
  else await expect(share).rejects.toMatchObject({ reason: word })
  expect(registry.state).toBe('sealed')
})

test('what there is to open it is told where a kind opens nothing', async () => {
  const shared = await open()
  const shares = { count: 3, threshold: 2 }
  await shared.registry.initialize(PEER, { op: 'init', shares, ...ADMIN })
  const admin = await loginTestUser(shared.opened, ADMIN.admin, ADMIN.admin_password)
  await shared.registry.lock(admin)
  await expect(shared.registry.unlockBy(PEER, { op: 'unlock', passphrase })).rejects.toMatchObject({
    reason: 'NO_PROTECTOR',
    message: 'a passphrase cannot open it in this way; it takes shares',
  })
  const { registry } = await prepared()
  await expect(
    registry.unlockBy(PEER, { op: 'unlock', passphrase, recovery: true }),
  ).rejects.toMatchObject({
    message:
      'a passphrase cannot open it in this way; it takes a passphrase or shares, for recovery shares',
  })
})

test('uninitialised, and unlocked already: nothing is looked at', async () => {
  const { registry } = await open()
  for (const request of [{ passphrase }, { share: 'x' }, { key_file: base64(random(32)) }]) {
    await expect(registry.unlockBy(PEER, { op: 'unlock', ...request })).rejects.toEqual(
      reason('UNINITIALIZED'),
    )
  }
  await expect(registry.unlockBy(PEER, { op: 'unlock', reset: true })).rejects.toEqual(
    reason('UNINITIALIZED'),
  )
  const home: Home = await start()
  expect(await home.registry.unlockBy(PEER, { op: 'unlock', share: 'x' })).toEqual({
    state: 'unsealed',
  })
})

test('a new registry needs something that opens it, and takes what the configuration names', async () => {
  const init = { op: 'init', ...ADMIN } as const
  const nothing = await open()
  await expect(nothing.registry.initialize(PEER, init)).rejects.toEqual(reason('INVALID_ARGUMENT'))
  const wrong = [
    [{ passphrase: 'eleven char' }, 'PASSWORD_POLICY'],
    [{ passphrase: '\udc00'.repeat(12) }, 'PASSWORD_POLICY'],
    [{ shares: { count: 3, threshold: 4 } }, 'INVALID_ARGUMENT'],
  ] as const
  for (const [more, word] of wrong) {
    await expect(nothing.registry.initialize(PEER, { ...init, ...more })).rejects.toEqual(
      reason(word),
    )
  }
  expect(nothing.registry.state).toBe('uninitialized')

  const bytes = random(32)
  const protectors = async (): Promise<NewProtector[]> => [
    { kind: 'systemd-credential', name: 'secreg.key', bytes: bytes.slice() },
  ]
  const configured = await open({ protectors })
  expect(await configured.registry.initialize(PEER, init)).toEqual({ state: 'unsealed' })
  const both = await open({ protectors })
  const answer = await both.registry.initialize(PEER, {
    ...init,
    passphrase,
    shares: { count: 3, threshold: 2 },
  })
  expect(answer).toEqual({ state: 'unsealed', shares: expect.any(Array) })
  expect(answer.shares).toHaveLength(3)
  const admin = await loginTestUser(both.opened, ADMIN.admin, ADMIN.admin_password)
  const { protectors: list = [] } = await both.registry.as(admin).protector({ op: 'list' })
  expect(list.map(({ kind, portable }) => [kind, portable])).toEqual([
    ['passphrase', true],
    ['shares', true],
    ['systemd-credential', false],
  ])
  // What systemd passes to the daemon, given by hand.
  await both.registry.lock(admin)
  expect(await both.registry.unlockBy(PEER, { op: 'unlock', key_file: base64(bytes) })).toEqual({
    state: 'unsealed',
  })
  expect(linesOf(both.files).at(-1)?.body.detail).toMatch(/^systemd-credential [0-9a-f]{8}$/)
})
