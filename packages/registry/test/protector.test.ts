/** Protectors listed, added, changed and removed (DESIGN §6): what is refused, and what is recorded. */
import { createMemoryFiles } from '@secreg/audit/testing'
import type { SealHeader } from '@secreg/crypto'
import { nodeBackend } from '@secreg/crypto/node'
import type { ProtectorResponse, RequestOf } from '@secreg/protocol'
import { loginTestUser, TEST_ADMIN } from '@secreg/registry/testing'
import { MemoryEngine } from '@secreg/storage'
import { FaultEngine } from '@secreg/storage/testing'
import { describe, expect, test } from 'vitest'
import { SEAL_KEY } from '../src/keys.ts'
import { startOnDisk } from './disk.ts'
import {
  addUser,
  type Home,
  linesOf,
  open,
  outcomeOf,
  PEER,
  reason,
  restart,
  start,
} from './fixture.ts'

type Request = RequestOf<'protector'>

const { passphrase, admin: LOGIN, admin_password: PASSWORD } = TEST_ADMIN
const PROOF = { passphrase }
const SHARES = { count: 5, threshold: 3 }
const NEXT = 'another twelve characters'
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const keyFile = base64(nodeBackend.randomBytes(64))

async function headerOf({ engine }: Pick<Home, 'engine'>): Promise<SealHeader> {
  const row = await engine.get(SEAL_KEY)
  return JSON.parse(new TextDecoder().decode(row?.value)) as SealHeader
}

/** Lock, and unlock by something; answers the state, or why not, and then it is unlocked in any case. */
async function unlocks(home: Home, request: object): Promise<string | undefined> {
  const admin = await loginTestUser(home.opened, LOGIN, PASSWORD)
  await home.registry.lock(admin)
  const outcome = await outcomeOf(() => home.registry.unlockBy(PEER, { op: 'unlock', ...request }))
  const { answer, reason: word } = outcome as { answer?: { state: string }; reason?: string }
  if (answer?.state !== 'unsealed') {
    await home.registry.unlockBy(PEER, { op: 'unlock', passphrase })
  }
  return word ?? answer?.state
}

/** Log in anew: an unlock has ended the sessions of before. */
async function again(home: Home): Promise<Home> {
  const admin = await loginTestUser(home.opened, LOGIN, PASSWORD)
  return { ...home, admin, api: home.registry.as(admin) }
}

const records = ({ files }: Home) =>
  linesOf(files)
    .filter(({ body }) => body.action === 'protector')
    .map(({ body }) => [
      body.outcome,
      body.detail?.replace(/\b[0-9a-f]{8}\b/, 'ID'),
      ...(body.reason === undefined ? [] : [body.reason]),
    ])

test('a list tells everything but what opens it', async () => {
  const home = await start()
  const { api } = home
  await api.protector({
    op: 'add',
    kind: 'key-file',
    key_file: keyFile,
    label: 'host',
    proof: PROOF,
  })
  await api.protector({
    op: 'add',
    kind: 'shares',
    shares: SHARES,
    label: 'board of 5',
    recovery: true,
    proof: PROOF,
  })
  const id = expect.stringMatching(/^[0-9a-f]{32}$/)
  const { protectors } = await api.protector({ op: 'list' })
  expect(protectors).toEqual([
    {
      id,
      kind: 'passphrase',
      recovery: false,
      portable: true,
      kdf: { name: 'scrypt', N: 32_768, r: 8, p: 1 },
    },
    {
      id,
      kind: 'key-file',
      label: 'host',
      recovery: false,
      portable: true,
      kdf: { name: 'hkdf-sha256' },
    },
    {
      id,
      kind: 'shares',
      label: 'board of 5',
      recovery: true,
      portable: true,
      threshold: 3,
      count: 5,
      kdf: { name: 'hkdf-sha256' },
    },
  ])
  const text = JSON.stringify(protectors)
  for (const protector of (await headerOf(home)).protectors) {
    expect(text).not.toContain(protector.wrapped)
    expect(text).not.toContain(protector.kdf.salt)
  }
  expect(records(home)).toEqual([
    ['ok', 'add key-file "host" ID'],
    ['ok', 'add shares "board of 5" ID for recovery'],
    ['ok', 'list'],
  ])
})

test('every kind is added by any proof, and opens it after a restart as what was there before does', async () => {
  const medium = new MemoryEngine()
  const files = createMemoryFiles()
  const credential = nodeBackend.randomBytes(48)
  const options = {
    files,
    protectors: async () => [
      { kind: 'systemd-credential', name: 'secreg.key', bytes: credential.slice() } as const,
    ],
  }
  // The credential is among the first ones, and added a second time.
  const home = await start({ ...options, engine: new FaultEngine(medium) })
  const { api } = home
  await api.set({ key: '/s', value: 'secret', encrypt: true })
  const header = await headerOf(home)
  const made = await api.protector({ op: 'add', kind: 'shares', shares: SHARES, proof: PROOF })
  const shares = [...(made.shares ?? [])]
  expect(shares).toHaveLength(5)
  const byShares = { shares: shares.slice(2) }
  await api.protector({ op: 'add', kind: 'key-file', key_file: keyFile, proof: byShares })
  const byFile = { key_file: keyFile }
  await api.protector({
    op: 'add',
    kind: 'passphrase',
    passphrase: NEXT,
    recovery: true,
    proof: byFile,
  })
  await api.protector({
    op: 'add',
    kind: 'systemd-credential',
    label: 'tpm',
    proof: { passphrase: NEXT },
  })
  await api.protector({
    op: 'add',
    kind: 'passphrase',
    passphrase: 'by the credential',
    proof: { key_file: base64(credential) },
  })
  // Nothing of what was there is anew, and no data key.
  const later = await headerOf(home)
  expect(later.protectors.slice(0, 2)).toEqual(header.protectors)
  expect(later.epochs).toEqual(header.epochs)
  await home.registry.close()

  const ways: object[] = [
    { passphrase },
    { passphrase: 'by the credential' },
    { passphrase: NEXT, recovery: true },
    byFile,
    { key_file: base64(credential) },
  ]
  for (const way of ways) {
    const next = await open({ ...options, engine: new FaultEngine(medium) })
    expect(await next.registry.unlockBy(PEER, { op: 'unlock', ...way })).toEqual({
      state: 'unsealed',
    })
    const admin = await loginTestUser(next.opened, LOGIN, PASSWORD)
    expect(await next.registry.as(admin).get({ key: '/s', decrypt: true })).toMatchObject({
      value: 'secret',
    })
    await next.registry.close()
  }
  const next = await open({ ...options, engine: new FaultEngine(medium) })
  for (const share of shares.slice(0, 3)) {
    await next.registry.unlockBy(PEER, { op: 'unlock', share })
  }
  expect(next.registry.state).toBe('unsealed')
})

test('weakness 33: changing the password keeps all values readable and makes the old password fail', async () => {
  const medium = new MemoryEngine()
  const files = createMemoryFiles()
  const home = await start({ engine: new FaultEngine(medium), files })
  const { api } = home
  const keys = Array.from({ length: 20 }, (_, at) => `/s/${at}`)
  for (const key of keys) await api.set({ key, value: key, encrypt: true })
  const before = await headerOf(home)
  const [first] = (await api.protector({ op: 'list' })).protectors ?? []
  const answer = await api.protector({
    op: 'change',
    protector: first?.id.slice(0, 6) ?? '',
    passphrase: NEXT,
    proof: PROOF,
  })
  expect(answer).toEqual({ protector: first, erased: true })
  const after = await headerOf(home)
  expect(after.protectors.map(({ id }) => id)).toEqual(before.protectors.map(({ id }) => id))
  expect(after.protectors[0]?.wrapped).not.toBe(before.protectors[0]?.wrapped)
  expect(after.epochs).toEqual(before.epochs)
  await home.registry.close()

  const next = await open({ engine: new FaultEngine(medium), files })
  await expect(next.registry.unlockBy(PEER, { op: 'unlock', passphrase })).rejects.toEqual(
    reason('UNLOCK_FAILED'),
  )
  await next.registry.unlockBy(PEER, { op: 'unlock', passphrase: NEXT })
  const admin = await loginTestUser(next.opened, LOGIN, PASSWORD)
  for (const key of keys) {
    expect(await next.registry.as(admin).get({ key, decrypt: true })).toMatchObject({ value: key })
  }
})

test('a protector is changed in its place: key file and shares too, with label and use as they were', async () => {
  let home = await start()
  const add = (request: object): Promise<ProtectorResponse> =>
    home.api.protector({ op: 'add', proof: PROOF, ...request } as Request)
  await add({ kind: 'key-file', key_file: keyFile, label: 'host' })
  const made = await add({ kind: 'shares', shares: SHARES, label: 'board', recovery: true })
  const old = [...(made.shares ?? [])]
  const other = base64(nodeBackend.randomBytes(32))
  await home.api.protector({
    op: 'change',
    protector: 'host',
    key_file: other,
    proof: { key_file: keyFile },
  })
  const proof = { shares: old.slice(0, 3) }
  const anew = await home.api.protector({ op: 'change', protector: 'board', proof })
  expect(anew).toEqual({
    protector: expect.objectContaining({ label: 'board', recovery: true, threshold: 3, count: 5 }),
    shares: expect.any(Array),
    erased: true,
  })
  const fewer = { count: 3, threshold: 2 }
  const last = await home.api.protector({
    op: 'change',
    protector: 'board',
    shares: fewer,
    proof: PROOF,
  })
  expect(last.shares).toHaveLength(3)

  expect(await unlocks(home, { key_file: keyFile })).toBe('UNLOCK_FAILED')
  expect(await unlocks(home, { key_file: other })).toBe('unsealed')
  for (const share of [old[0], anew.shares?.[0]]) {
    expect(await unlocks(home, { share, recovery: true })).toBe('SHARE_FOREIGN')
  }
  home = await again(home)
  await home.registry.lock(home.admin)
  for (const share of last.shares?.slice(1) ?? []) {
    await home.registry.unlockBy(PEER, { op: 'unlock', share, recovery: true })
  }
  expect(home.registry.state).toBe('unsealed')
})

test('what is removed opens nothing any more', async () => {
  let home = await start()
  await home.api.protector({
    op: 'add',
    kind: 'passphrase',
    passphrase: NEXT,
    label: 'office',
    proof: PROOF,
  })
  expect(await unlocks(home, { passphrase: NEXT })).toBe('unsealed')
  home = await again(home)
  expect(await home.api.protector({ op: 'remove', protector: 'office' })).toEqual({
    protector: expect.objectContaining({ label: 'office' }),
    erased: true,
  })
  expect(await unlocks(home, { passphrase: NEXT })).toBe('UNLOCK_FAILED')
  expect(records(home)).toEqual([
    ['ok', 'add passphrase "office" ID'],
    ['ok', 'remove passphrase "office" ID'],
  ])
})

describe('what nothing else can do is not taken out', () => {
  const setUp = async () => {
    const credential = nodeBackend.randomBytes(32)
    const home = await start({
      protectors: async () => [
        { kind: 'systemd-credential', name: 'key', bytes: credential.slice() } as const,
      ],
    })
    const [first, second] = (await home.api.protector({ op: 'list' })).protectors ?? []
    const remove = (id: string | undefined, force?: true): Promise<ProtectorResponse> =>
      home.api.protector({ op: 'remove', protector: id ?? '', ...(force && { force }) })
    return { home, remove, portable: first?.id, bound: second?.id }
  }

  test('the last that works on another host only by force', async () => {
    const { home, remove, portable } = await setUp()
    await expect(remove(portable)).rejects.toMatchObject({
      reason: 'LAST_PROTECTOR',
      message: expect.stringContaining('works on another host'),
    })
    const kept = { kind: 'passphrase', passphrase: NEXT, recovery: true } as const
    await home.api.protector({ op: 'add', ...kept, proof: PROOF })
    // Another one does: kept for recovery, but portable; and the credential is for daily use.
    expect(await remove(portable)).toMatchObject({ erased: true })
  })

  test('with force it goes, and the very last never', async () => {
    const { remove, portable, bound } = await setUp()
    await remove(portable, true)
    for (const force of [undefined, true] as const) {
      await expect(remove(bound, force)).rejects.toMatchObject({
        reason: 'LAST_PROTECTOR',
        status: 6,
        message: expect.stringContaining('never removed'),
      })
    }
  })

  test('the last for daily use only by force', async () => {
    const home = await start()
    const kept = { kind: 'passphrase', passphrase: NEXT, recovery: true } as const
    await home.api.protector({ op: 'add', ...kept, proof: PROOF })
    const [first] = (await home.api.protector({ op: 'list' })).protectors ?? []
    const id = first?.id ?? ''
    await expect(home.api.protector({ op: 'remove', protector: id })).rejects.toMatchObject({
      reason: 'LAST_PROTECTOR',
      message: expect.stringContaining('daily use'),
    })
    await home.api.protector({ op: 'remove', protector: id, force: true })
    await home.registry.lock(home.admin)
    await expect(home.registry.unlockBy(PEER, { op: 'unlock', passphrase: NEXT })).rejects.toEqual(
      reason('NO_PROTECTOR'),
    )
    await home.registry.unlockBy(PEER, { op: 'unlock', passphrase: NEXT, recovery: true })
  })

  test('shares that alone open it are made anew only by force: who misses the answer could never unlock it', async () => {
    const home = await open()
    const login = { admin: LOGIN, admin_password: PASSWORD }
    const init = { op: 'init', shares: SHARES, ...login } as const
    const { shares = [] } = await home.registry.initialize(PEER, init)
    const admin = await loginTestUser(home.opened, LOGIN, PASSWORD)
    const api = home.registry.as(admin)
    const [only] = (await api.protector({ op: 'list' })).protectors ?? []
    const proof = { shares: shares.slice(0, 3) }
    const change = { op: 'change', protector: only?.id ?? '', proof } as const
    await expect(api.protector(change)).rejects.toEqual(reason('LAST_PROTECTOR'))
    expect((await api.protector({ ...change, force: true })).shares).toHaveLength(5)
  })
})

/** A registry with a key file `host`, shares `board` and shares `spare` for recovery. */
async function furnished() {
  const home = await start()
  const add = (request: object): Promise<ProtectorResponse> =>
    home.api.protector({ op: 'add', proof: PROOF, ...request } as Request)
  await add({ kind: 'key-file', key_file: keyFile, label: 'host' })
  const board = (await add({ kind: 'shares', shares: SHARES, label: 'board' })).shares ?? []
  const spare =
    (await add({ kind: 'shares', shares: SHARES, label: 'spare', recovery: true })).shares ?? []
  return { home, board, spare }
}

type Furnished = Pick<Awaited<ReturnType<typeof furnished>>, 'board' | 'spare'>
const foreignFile = base64(nodeBackend.randomBytes(32))
const add = (request: object) => ({
  op: 'add',
  kind: 'passphrase',
  passphrase: NEXT,
  proof: PROOF,
  ...request,
})
const change = (request: object) => ({ op: 'change', protector: 'host', proof: PROOF, ...request })

const REFUSED: readonly (readonly [string, (given: Furnished) => object, string])[] = [
  ['a wrong passphrase as proof', () => add({ proof: { passphrase: 'no' } }), 'UNLOCK_FAILED'],
  ['a wrong key file as proof', () => add({ proof: { key_file: foreignFile } }), 'UNLOCK_FAILED'],
  ['no proof', () => add({ proof: {} }), 'INVALID_ARGUMENT'],
  ['two proofs', () => add({ proof: { passphrase, key_file: keyFile } }), 'INVALID_ARGUMENT'],
  ['no shares as proof', () => add({ proof: { shares: [] } }), 'SHARES_MISSING'],
  [
    'too few shares as proof',
    ({ board }) => add({ proof: { shares: [board[0], board[1], board[0]] } }),
    'SHARES_MISSING',
  ],
  [
    'a mistyped share as proof',
    ({ board }) => add({ proof: { shares: [...board.slice(0, 3), 'SRS1-X'] } }),
    'SHARE_INVALID',
  ],
  [
    'shares of two sets as proof',
    ({ board, spare }) => add({ proof: { shares: [board[0], board[1], spare[2]] } }),
    'SHARE_FOREIGN',
  ],
  ['no passphrase', () => add({ passphrase: undefined }), 'INVALID_ARGUMENT'],
  ['a short passphrase', () => add({ passphrase: 'eleven char' }), 'PASSWORD_POLICY'],
  ['a passphrase for shares', () => add({ kind: 'shares', shares: SHARES }), 'INVALID_ARGUMENT'],
  [
    'more needed than made',
    () => add({ kind: 'shares', passphrase: undefined, shares: { count: 2, threshold: 3 } }),
    'INVALID_ARGUMENT',
  ],
  [
    'a short key file',
    () => add({ kind: 'key-file', passphrase: undefined, key_file: 'AAAA' }),
    'INVALID_ARGUMENT',
  ],
  [
    'a credential that the configuration does not name',
    () => add({ kind: 'systemd-credential', passphrase: undefined }),
    'INVALID_ARGUMENT',
  ],
  ['a label with a line break', () => add({ label: 'a\nb' }), 'INVALID_ARGUMENT'],
  ['an empty label', () => add({ label: '' }), 'INVALID_ARGUMENT'],
  ['a label that is taken', () => add({ label: 'board' }), 'ALREADY_EXISTS'],
  ['a change of nothing', () => change({ protector: 'nobody' }), 'NOT_FOUND'],
  ['a change by too little of an id', () => change({ protector: '' }), 'NOT_FOUND'],
  ['a change to another kind', () => change({ passphrase: NEXT }), 'INVALID_ARGUMENT'],
  ['a change to nothing', () => change({}), 'INVALID_ARGUMENT'],
  [
    'a change by a wrong proof',
    () => change({ key_file: foreignFile, proof: { passphrase: NEXT } }),
    'UNLOCK_FAILED',
  ],
  ['a removal of nothing', () => ({ op: 'remove', protector: 'nobody', force: true }), 'NOT_FOUND'],
]

test.each(REFUSED)('%s is refused, recorded, and changes nothing', async (_, make, word) => {
  const { home, ...given } = await furnished()
  const before = await headerOf(home)
  const request = JSON.parse(JSON.stringify(make(given))) as Request
  const count = linesOf(home.files).length
  await expect(home.api.protector(request)).rejects.toEqual(reason(word))
  const lines = linesOf(home.files).slice(count)
  const denied = ['UNLOCK_FAILED', 'SHARE_FOREIGN'].includes(word)
  expect(lines.map(({ body }) => [body.action, body.outcome, body.reason])).toEqual([
    ['protector', denied ? 'denied' : 'failed', word],
  ])
  const text = JSON.stringify(lines)
  for (const secret of [passphrase, NEXT, keyFile, foreignFile, ...given.board]) {
    expect(text).not.toContain(secret)
  }
  expect(await headerOf(home)).toEqual(before)
})

test('the passphrase that it has is no new one', async () => {
  const { api } = await start()
  const [first] = (await api.protector({ op: 'list' })).protectors ?? []
  const id = first?.id ?? ''
  await expect(
    api.protector({ op: 'change', protector: id, passphrase, proof: PROOF }),
  ).rejects.toEqual(reason('PASSWORD_POLICY'))
})

test('whoever may not seal learns and changes nothing, and sealed nothing is changed', async () => {
  const home = await start()
  const { api } = await addUser(home, 'eve', ['user'])
  const requests = [
    { op: 'list' },
    add({}),
    add({ proof: { passphrase: 'no' } }),
    change({ key_file: keyFile }),
    { op: 'remove', protector: 'nobody' },
  ]
  for (const request of requests) {
    await expect(api.protector(request as Request)).rejects.toEqual(reason('ACCESS_DENIED'))
  }
  await home.registry.lock(home.admin)
  const sealed = await again(home)
  for (const request of requests.slice(1)) {
    await expect(sealed.api.protector(request as Request)).rejects.toEqual(reason('SEALED'))
  }
  // Who has to unlock it may see by what.
  expect((await sealed.api.protector({ op: 'list' })).protectors).toHaveLength(1)
})

test('a registry has at most 16 protectors, also when they come at once', async () => {
  const home = await start()
  const keyFiles = Array.from({ length: 20 }, () => base64(nodeBackend.randomBytes(32)))
  const outcomes = await Promise.all(
    keyFiles.map((key_file) =>
      outcomeOf(() => home.api.protector({ op: 'add', kind: 'key-file', key_file, proof: PROOF })),
    ),
  )
  expect(outcomes.filter((outcome) => 'answer' in (outcome as object))).toHaveLength(15)
  const refused = outcomes.filter((outcome) => !('answer' in (outcome as object)))
  for (const outcome of refused) expect(outcome).toEqual(reason('LIMIT_EXCEEDED'))
  expect((await headerOf(home)).protectors).toHaveLength(16)
})

test('changes that come at once all hold, beside a rotation that changes the header too', async () => {
  const home = await start()
  const { api } = home
  await api.set({ key: '/s', value: 'x', encrypt: true })
  await api.protector({
    op: 'add',
    kind: 'passphrase',
    passphrase: NEXT,
    label: 'next',
    proof: PROOF,
  })
  const third = 'a third of twelve'
  const results = await Promise.all([
    api.protector({ op: 'add', kind: 'key-file', key_file: keyFile, proof: PROOF }),
    api.rotate({ op: 'start' }),
    api.protector({ op: 'change', protector: 'next', passphrase: third, proof: PROOF }),
    api.protector({ op: 'add', kind: 'shares', shares: SHARES, proof: PROOF }),
  ])
  await home.registry.housekeep()
  const { protectors, epochs } = await headerOf(home)
  expect(protectors.map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['passphrase', 'key-file', 'shamir']),
  )
  expect(protectors).toHaveLength(4)
  expect(epochs.map(({ epoch }) => epoch)).toEqual([2])
  expect(results[3].shares).toHaveLength(5)
  for (const way of [{ passphrase }, { passphrase: third }, { key_file: keyFile }]) {
    expect(await unlocks(home, way)).toBe('unsealed')
  }
  expect(await unlocks(home, { passphrase: NEXT })).toBe('UNLOCK_FAILED')
  const later = await again(home)
  expect(await later.api.get({ key: '/s', decrypt: true })).toMatchObject({ value: 'x' })
})

test('two changes of one protector at once: one holds, the other is told', async () => {
  const home = await start()
  await home.api.protector({
    op: 'add',
    kind: 'key-file',
    key_file: keyFile,
    label: 'host',
    proof: PROOF,
  })
  const files = [0, 1].map(() => base64(nodeBackend.randomBytes(32)))
  const outcomes = await Promise.all(
    files.map((key_file) => outcomeOf(() => home.api.protector(change({ key_file }) as Request))),
  )
  const winner = outcomes.findIndex((outcome) => 'answer' in (outcome as object))
  expect(outcomes[1 - winner]).toEqual(reason('VERSION_CONFLICT'))
  expect(await unlocks(home, { key_file: files[winner] })).toBe('unsealed')
  expect(await unlocks(home, { key_file: files[1 - winner] })).toBe('UNLOCK_FAILED')
})

test('what is taken out while it serves as a proof proves nothing', async () => {
  const home = await start()
  await home.api.protector({
    op: 'add',
    kind: 'key-file',
    key_file: keyFile,
    label: 'host',
    proof: PROOF,
  })
  const adding = outcomeOf(() =>
    home.api.protector({
      op: 'add',
      kind: 'passphrase',
      passphrase: NEXT,
      proof: { key_file: keyFile },
    }),
  )
  const removing = home.api.protector({ op: 'remove', protector: 'host' })
  await removing
  expect(await adding).toEqual(reason('VERSION_CONFLICT'))
  expect((await headerOf(home)).protectors).toHaveLength(1)
})

test('the old header is in no file any more once a change or removal is answered', async () => {
  const home = await startOnDisk()
  const old = async (): Promise<string> => (await headerOf(home)).protectors[0]?.wrapped ?? ''
  const [first] = (await home.api.protector({ op: 'list' })).protectors ?? []
  const id = first?.id ?? ''
  await home.api.protector({
    op: 'add',
    kind: 'key-file',
    key_file: keyFile,
    label: 'host',
    proof: PROOF,
  })
  const before = await old()
  const removed = (await headerOf(home)).protectors[1]?.wrapped ?? ''
  expect(home.filesWith(before)).not.toEqual([])
  const changed = await home.api.protector({
    op: 'change',
    protector: id,
    passphrase: NEXT,
    proof: PROOF,
  })
  expect(changed.erased).toBe(true)
  expect(home.filesWith(before)).toEqual([])
  expect(home.filesWith(removed)).not.toEqual([])
  const gone = await home.api.protector({ op: 'remove', protector: 'host' })
  expect(gone.erased).toBe(true)
  expect(home.filesWith(removed)).toEqual([])
  expect(home.filesWith(await old())).not.toEqual([])
})

test('shares are told once, and nothing of what was given stands in a record or a row', async () => {
  const home = await startOnDisk()
  const proof = { passphrase }
  const made = await home.api.protector({ op: 'add', kind: 'shares', shares: SHARES, proof })
  await home.api.protector({ op: 'add', kind: 'key-file', key_file: keyFile, proof })
  await home.api.protector({ op: 'add', kind: 'passphrase', passphrase: NEXT, proof })
  const { protectors = [] } = await home.api.protector({ op: 'list' })
  expect(JSON.stringify(protectors)).not.toContain('SRS1')
  const needles = [
    passphrase,
    NEXT,
    keyFile,
    Buffer.from(keyFile, 'base64'),
    ...(made.shares ?? []),
    ...(made.shares ?? []).map((text) => text.replaceAll('-', '')),
  ]
  for (const needle of needles) expect(home.filesWith(needle)).toEqual([])
})

test('a restart keeps what was changed, whoever asks', async () => {
  const medium = new MemoryEngine()
  const files = createMemoryFiles()
  const home = await start({ engine: new FaultEngine(medium), files })
  await home.api.protector({
    op: 'add',
    kind: 'key-file',
    key_file: keyFile,
    label: 'host',
    proof: PROOF,
  })
  await home.registry.close()
  const next = await restart({ engine: new FaultEngine(medium), files })
  await next.api.protector({ op: 'remove', protector: 'host' })
  await next.registry.close()
  const last = await restart({ engine: new FaultEngine(medium), files })
  expect((await last.api.protector({ op: 'list' })).protectors).toHaveLength(1)
})
