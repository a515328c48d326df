import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeFiles } from '@secreg/audit'
import { createMemoryFiles, withFaults } from '@secreg/audit/testing'
import { nodeBackend } from '@secreg/crypto/node'
import { loginTestUser, TEST_ADMIN } from '@secreg/registry/testing'
import { LevelEngine, MemoryEngine } from '@secreg/storage'
import { FaultEngine, forgeRow } from '@secreg/storage/testing'
import { afterEach, expect, test } from 'vitest'
import { decodeEntry, encodeEntry } from '../src/entry.ts'
import { entryKey, versionKey } from '../src/keys.ts'
import { addUser, open, outcomeOf, PASSPHRASE, PEER, reason, restart, start } from './fixture.ts'

const directories: string[] = []
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

const encoder = new TextEncoder()
const WRONG = { kind: 'passphrase', passphrase: 'not the passphrase' } as const

/** An initialised registry that was stopped; `edit` then works on its store without the keys. */
async function stopped(edit?: (medium: MemoryEngine) => Promise<void>) {
  const medium = new MemoryEngine()
  const files = createMemoryFiles()
  const home = await start({ engine: new FaultEngine(medium), files })
  await home.api.set({ key: '/plain', value: 'x' })
  await home.api.set({ key: '/secret', value: 'y', encrypt: true })
  const bob = await addUser(home, 'bob', ['user'])
  await home.registry.close()
  await edit?.(medium)
  return { medium, files, bob, accountId: bob.caller.accountId ?? '' }
}

test('uninitialised: nothing but status and init', async () => {
  const { registry } = await open()
  expect(registry.status()).toEqual({
    status: 'running',
    state: 'uninitialized',
    initialized: false,
    version: '0.0.0-test',
  })
  await expect(registry.unlock(PEER, PASSPHRASE)).rejects.toEqual(reason('UNINITIALIZED'))
  const answer = await registry.login(PEER, { username: 'root', password: 'root' })
  expect(answer).toMatchObject({ success: false, error: { reason: 'UNINITIALIZED' } })
})

test('two initialisations at once: one wins, and what it set holds', async () => {
  const home = await open()
  const init = (admin: string) =>
    home.registry.initialize(PEER, { op: 'init', ...TEST_ADMIN, admin })
  const results = await Promise.allSettled([init('one'), init('two')])
  expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  const winner = results[0]?.status === 'fulfilled' ? 'one' : 'two'
  await loginTestUser(home, winner, TEST_ADMIN.admin_password)
  await expect(init('three')).rejects.toEqual(reason('ALREADY_INITIALIZED'))
})

test('an initialisation that cannot be committed leaves nothing', async () => {
  const engine = new FaultEngine()
  const home = await open({ engine })
  engine.failCommit(1, { errno: 'ENOSPC' })
  const init = () => home.registry.initialize(PEER, { op: 'init', ...TEST_ADMIN })
  await expect(init()).rejects.toEqual(reason('STORAGE_FULL'))
  expect(home.registry.state).toBe('uninitialized')
  expect(await init()).toEqual({ state: 'unsealed' })
})

test('weakness 31: after a restart the right passphrase opens every value, a wrong one nothing', async () => {
  const { medium, files } = await stopped()
  const home = await open({ engine: new FaultEngine(medium), files })
  expect(home.registry.state).toBe('sealed')
  await expect(home.registry.unlock(PEER, WRONG)).rejects.toMatchObject({ status: 4 })
  expect(home.registry.state).toBe('sealed')
  await home.registry.unlock(PEER, PASSPHRASE)
  const admin = await loginTestUser(home.opened, TEST_ADMIN.admin, TEST_ADMIN.admin_password)
  expect(await home.registry.as(admin).get({ key: '/secret', decrypt: true })).toMatchObject({
    value: 'y',
  })
})

test('sealed: plain values and lists are read, nothing is decrypted or changed, no row is written', async () => {
  const { medium, files } = await stopped()
  const home = await open({ engine: new FaultEngine(medium), files, housekeepingMs: 1 })
  const head = medium.head
  const admin = await loginTestUser(home.opened, TEST_ADMIN.admin, TEST_ADMIN.admin_password)
  const api = home.registry.as(admin)
  expect(await api.get({ key: '/plain' })).toMatchObject({ value: 'x' })
  expect(await api.list({ prefix: '/' })).toEqual({ keys: ['/plain', '/secret'] })
  expect(await api.export({})).toMatchObject({ total: 1, omitted: 1 })
  const refused = [
    () => api.get({ key: '/secret', decrypt: true }),
    () => api.set({ key: '/plain', value: 'z' }),
    () => api.delete({ key: '/plain' }),
    () => api.delete({ key: '/', recursive: true }),
    () => api.import({ op: 'begin' }),
    () => api.export({ with_secrets: true }),
    () => api.user({ op: 'add', user: 'eve', password: 'Builder-of-things-1' }),
    () => api.password({ old_password: TEST_ADMIN.admin_password, new_password: 'Other-pass-99' }),
    () => home.registry.lock(admin),
  ]
  for (const run of refused) {
    const { reason: word } = (await outcomeOf(run)) as { reason: string }
    expect(['SEALED', 'PATH_INVALID']).toContain(word)
  }
  home.registry.configure({ requireMfa: false, sealedReads: false, encryptPrefixes: [] })
  await expect(api.get({ key: '/plain' })).rejects.toEqual(reason('SEALED'))
  await expect(api.list({ prefix: '/' })).rejects.toEqual(reason('SEALED'))
  expect(await home.registry.login(PEER, { username: 'x', password: 'x' })).toMatchObject({
    error: { reason: 'SEALED' },
  })
  expect(medium.head).toBe(head)
})

test('lock forgets the keys at once and waits for writes under way', async () => {
  const home = await start()
  await home.api.set({ key: '/s', value: 'x', encrypt: true })
  const writes = Array.from({ length: 100 }, (_, at) =>
    outcomeOf(() => home.api.set({ key: `/k/${at}`, value: 'x', encrypt: at % 2 === 0 })),
  )
  const locked = home.registry.lock(home.admin)
  const late = outcomeOf(() => home.api.set({ key: '/late', value: 'x' }))
  expect(await locked).toEqual({ state: 'sealed' })
  for (const outcome of await Promise.all([...writes, late])) {
    const { answer, reason: word } = outcome as { answer?: unknown; reason?: string }
    expect(answer !== undefined || word === 'SEALED').toBe(true)
  }
  await expect(home.api.get({ key: '/s', decrypt: true })).rejects.toEqual(reason('SEALED'))
  await home.registry.unlock(PEER, PASSPHRASE)
  // Every row written around the lock carries its tag.
  expect((await home.engine.scrub()).findings).toEqual([])
})

test('lock does not take the keys from under a commit in flight', async () => {
  let release = (): void => {}
  let held: Promise<void> | undefined
  const engine = new FaultEngine(undefined, { onPoint: () => held })
  const home = await start({ engine })
  held = new Promise<void>((resume) => {
    release = resume
  })
  const write = home.api.set({ key: '/a', value: 'x' })
  for (let at = 0; at < 3; at++) await new Promise((resume) => setImmediate(resume))
  const locked = home.registry.lock(home.admin)
  for (let at = 0; at < 3; at++) await new Promise((resume) => setImmediate(resume))
  expect(home.registry.state).toBe('unsealed')
  release()
  held = undefined
  expect(await write).toMatchObject({ version: 1 })
  expect(await locked).toEqual({ state: 'sealed' })
  await home.registry.unlock(PEER, PASSPHRASE)
  expect((await engine.scrub()).findings).toEqual([])
})

test('lock that cannot be recorded locks all the same, and says so; unlock then does not open', async () => {
  const memory = createMemoryFiles()
  const files = withFaults(memory)
  const home = await start({ files: files as never })
  files.fail({ operation: 'write', code: 'EIO', times: Number.POSITIVE_INFINITY })
  await expect(home.registry.lock(home.admin)).rejects.toThrow(/is locked/)
  expect(home.registry.state).toBe('sealed')
  await expect(home.registry.unlock(PEER, PASSPHRASE)).rejects.toEqual(reason('AUDIT_FAILED'))
  expect(home.registry.state).toBe('sealed')
  files.clear()
  expect(await home.registry.unlock(PEER, PASSPHRASE)).toEqual({ state: 'unsealed' })
})

/** An engine whose pages take their time, as those of a disk do: everything else gets its turn meanwhile. */
function unhurried(medium: MemoryEngine): FaultEngine {
  const engine = new FaultEngine(medium)
  const { iterate } = FaultEngine.prototype
  engine.iterate = (range) => {
    const inner = iterate.call(engine, range)
    const nextPage = async (size: number) => {
      await new Promise((resume) => setImmediate(resume))
      return inner.nextPage(size)
    }
    return { ...inner, nextPage, close: () => inner.close() }
  }
  return engine
}

/** Write rows as somebody does who has the disk and not the keys. */
async function forge(medium: MemoryEngine, key: string, change: (row: object) => object) {
  const row = await medium.get(key)
  const before = row === undefined ? {} : JSON.parse(new TextDecoder().decode(row.value))
  forgeRow(medium, key, encoder.encode(JSON.stringify(change(before))))
}

test('an account or policy edited on disk keeps the registry sealed', async () => {
  const edits: [string, (id: string) => string, (row: object) => object][] = [
    ['role', (id) => `a/${id}`, (row) => ({ ...row, roles: ['admin'] })],
    [
      'policy',
      () => 'p/mine',
      () => ({
        id: 'mine',
        rules: [
          { id: 'r', effect: 'allow', principals: ['*'], actions: ['read'], resources: ['/**'] },
        ],
      }),
    ],
    ['known policy', () => 'p/role-operator', (row) => row],
    ['admins', () => 'g/admins', () => []],
  ]
  for (const [, key, change] of edits) {
    const { medium, files, accountId } = await stopped()
    await forge(medium, key(accountId), change)
    const home = await open({ engine: new FaultEngine(medium), files })
    await expect(home.registry.unlock(PEER, PASSPHRASE)).rejects.toEqual(reason('STORAGE_CORRUPT'))
    expect(home.registry.state).toBe('sealed')
  }
})

test('an edited account changes nothing while the registry is being unsealed, however it hurries', async () => {
  const { medium, files, accountId, bob } = await stopped()
  await forge(medium, `a/${accountId}`, (row) => ({ ...row, roles: ['admin'] }))
  await forge(medium, 'u/4711', () => ({}))
  const home = await open({ engine: unhurried(medium), files })
  const forged = await loginTestUser(home.opened, bob.caller.login ?? '', 'Builder-of-things-1')
  expect(forged.roles).toEqual(['admin'])
  const api = home.registry.as(forged)
  const head = medium.head
  let done = false
  const unlocking = outcomeOf(() => home.registry.unlock(PEER, PASSPHRASE)).finally(() => {
    done = true
  })
  const tried: Promise<unknown>[] = []
  while (!done) {
    tried.push(outcomeOf(() => api.set({ key: '/owned', value: 'x' })))
    await Promise.resolve()
    if (tried.length % 50 === 0) await new Promise((resume) => setImmediate(resume))
  }
  expect(await unlocking).toMatchObject({ reason: 'STORAGE_CORRUPT' })
  for (const outcome of await Promise.all(tried))
    expect(outcome).toMatchObject({ reason: 'SEALED' })
  expect(medium.head).toBe(head)
})

test('what was asked while sealed is not done once unsealed, and its sessions have ended', async () => {
  const { medium, files } = await stopped()
  const engine = new FaultEngine(medium)
  const home = await open({ engine, files })
  const answer = await home.registry.login(PEER, {
    username: TEST_ADMIN.admin,
    password: TEST_ADMIN.admin_password,
  })
  const handle = home.registry.sessionHandle()
  const session = handle.resolve(answer.session_id ?? '')
  const caller = session === undefined ? undefined : home.registry.callerOf(session, PEER)
  if (session === undefined || caller === undefined) throw new Error('no session')
  const api = home.registry.as(caller)
  // Their rows come late, so that the writer plans them when the registry is long unsealed.
  const waiting: (() => void)[] = []
  const { get } = FaultEngine.prototype
  engine.get = (key) => {
    if (!key.startsWith('e/')) return get.call(engine, key)
    return new Promise<void>((resume) => waiting.push(resume)).then(() => get.call(engine, key))
  }
  const tried = [
    outcomeOf(() => api.set({ key: '/early', value: 'x' })),
    outcomeOf(() => api.delete({ key: '/plain' })),
  ]
  await home.registry.unlock(PEER, PASSPHRASE)
  engine.get = get
  for (const resume of waiting) resume()
  expect(await Promise.all(tried)).toMatchObject([{ reason: 'SEALED' }, { reason: 'SEALED' }])
  expect(home.registry.callerOf(session, PEER)).toBeUndefined()
  expect(handle.resolve(answer.session_id ?? '')).toBeUndefined()
})

test('a key file among the protectors opens what the passphrase opens', async () => {
  const medium = new MemoryEngine()
  const files = createMemoryFiles()
  const bytes = nodeBackend.randomBytes(32)
  const protectors = async () => [{ kind: 'key-file', bytes: bytes.slice() } as const]
  const first = await start({ engine: new FaultEngine(medium), files, protectors })
  await first.api.set({ key: '/s', value: 'x', encrypt: true })
  await first.registry.close()
  const home = await open({ engine: new FaultEngine(medium), files })
  const other = { kind: 'key-file', bytes: nodeBackend.randomBytes(32) } as const
  await expect(home.registry.unlock(PEER, other)).rejects.toMatchObject({ status: 4 })
  expect(await home.registry.unlock(PEER, { kind: 'key-file', bytes })).toEqual({
    state: 'unsealed',
  })
})

test('weakness 36: a header whose key derivation is below the floor is refused', async () => {
  const { medium, files } = await stopped()
  await forge(medium, 's/header', (row) => {
    const text = JSON.stringify(row).replaceAll('"N":32768', '"N":1024')
    expect(text).not.toBe(JSON.stringify(row))
    return JSON.parse(text)
  })
  const home = await open({ engine: new FaultEngine(medium), files })
  await expect(home.registry.unlock(PEER, PASSPHRASE)).rejects.toMatchObject({
    reason: 'KDF_BELOW_FLOOR',
    status: 8,
    message: expect.stringContaining('weaker than the floor'),
  })
  expect(home.registry.state).toBe('sealed')
})

test('weakness 35: names from the store and from clients lead to no file', async () => {
  const { medium, files } = await stopped()
  await forge(medium, 's/header', (row) => {
    const { epochs } = row as { epochs: { epoch: unknown }[] }
    return { ...row, epochs: epochs.map((one) => ({ ...one, epoch: '../../x' })) }
  })
  const home = await open({ engine: new FaultEngine(medium), files })
  await expect(home.registry.unlock(PEER, PASSPHRASE)).rejects.toMatchObject({ status: 8 })
  const { api } = await start()
  await expect(api.get({ key: '/../../x' })).rejects.toEqual(reason('PATH_INVALID'))
  await expect(
    api.user({ op: 'add', user: '../../x', password: 'Builder-of-things-1' }),
  ).rejects.toEqual(reason('INVALID_ARGUMENT'))
})

test('weakness 29: two encryptions differ, and no nonce repeats over operations and restarts', async () => {
  const soak = process.env['SECREG_SOAK'] === '1'
  const [restarts, each] = soak ? [100, 10_000] : [5, 60]
  const medium = new MemoryEngine()
  const files = createMemoryFiles()
  const first = await start({ engine: new FaultEngine(medium), files })
  await first.registry.close()
  const seen = new Set<string>()
  const bytes = Array.from({ length: 24 }, () => new Set<number>())
  for (let round = 0; round < restarts; round++) {
    const home = await restart({ engine: new FaultEngine(medium), files })
    for (let at = 0; at < each; at += 20) {
      await Promise.all(
        Array.from({ length: 20 }, (_, key) =>
          home.api.set({ key: `/s/${key}`, value: 'same', encrypt: true }),
        ),
      )
      for (let key = 0; key < 20; key++) {
        const row = await medium.get(entryKey(`/s/${key}`))
        const nonce = row === undefined ? undefined : decodeEntry(row).value?.subarray(5, 29)
        if (nonce === undefined) throw new Error('no value')
        seen.add(Buffer.from(nonce).toString('hex'))
        for (const [index, byte] of nonce.entries()) bytes[index]?.add(byte)
      }
    }
    await home.registry.close()
  }
  expect(seen.size).toBe(restarts * each)
  for (const values of bytes) expect(values.size).toBeGreaterThan(100)
})

test('weakness 30: a ciphertext elsewhere, or with any bit flipped, fails with CryptoError 8', async () => {
  const medium = new MemoryEngine()
  const home = await start({ engine: new FaultEngine(medium) })
  await home.api.set({ key: '/a', value: 'one', encrypt: true })
  await home.api.set({ key: '/b', value: 'two', encrypt: true })
  await home.api.set({ key: '/a', value: 'three', encrypt: true })
  const rowOf = async (key: string) => {
    const row = await medium.get(entryKey(key))
    if (row === undefined) throw new Error('no row')
    return decodeEntry(row)
  }
  const [a, b] = [await rowOf('/a'), await rowOf('/b')]
  // The rows carry valid tags: what is tested is the binding of the value itself.
  const put = async (value: Uint8Array, type = a.type) => {
    const row = encodeEntry({ ...a, type, value })
    await medium.commit({ ops: [{ type: 'put', key: entryKey('/a'), value: row }] })
    return outcomeOf(() => home.api.get({ key: '/a', decrypt: true }))
  }
  const good = a.value as Uint8Array
  const failed = expect.objectContaining({ reason: 'CRYPTO_FAILED', status: 8 })
  expect(await put(b.value as Uint8Array)).toEqual(failed)
  const old = await medium.get(versionKey(a.id, 1))
  expect(await put((old?.value ?? new Uint8Array(48)).slice(-48))).toEqual(failed)
  expect(await put(good, 'json')).toEqual(failed)
  for (let bit = 0; bit < good.length * 8; bit++) {
    const flipped = good.slice()
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
    expect(await put(flipped)).toEqual(failed)
  }
  expect(await put(good)).toMatchObject({ answer: { value: 'three' } })
})

test('weakness 32: no secret, password or passphrase stands in a file of store or log', async () => {
  const root = mkdtempSync(join(tmpdir(), 'secreg-canary-'))
  directories.push(root)
  const engine = await LevelEngine.open(join(root, 'data'))
  const home = await open({
    engine,
    files: nodeFiles as never,
    logDirectory: join(root, 'audit'),
  })
  const canaries = {
    passphrase: 'Canary-passphrase-4711',
    admin_password: 'Canary-Word-One-4712',
    value: 'canary-value-4713',
    wrong: 'Canary-Wrong-4714',
    next: 'Canary-Next-One-4715',
    native: 'canary-native-4716',
  }
  const { passphrase, admin_password } = canaries
  await home.registry.initialize(PEER, { op: 'init', passphrase, admin: 'root', admin_password })
  const { session_id = '' } = await home.registry.login(PEER, {
    username: 'root',
    password: admin_password,
  })
  const session = home.registry.sessionHandle().resolve(session_id)
  const admin = session === undefined ? undefined : home.registry.callerOf(session, PEER)
  if (admin === undefined) throw new Error('no caller')
  const api = home.registry.as(admin)
  await home.registry.login(PEER, { username: 'root', password: canaries.wrong })
  await api.set({ key: '/s', value: canaries.value, encrypt: true })
  await api.set({ key: '/j', value: { a: canaries.native }, encrypt: true })
  await api.set({ key: '/large', value: canaries.value.repeat(1000), encrypt: true })
  await api.get({ key: '/s', decrypt: true })
  await outcomeOf(() => api.set({ key: '/s', value: canaries.value, type: 'integer' }))
  await outcomeOf(() => api.set({ key: '/s', value: canaries.value, if_version: 9, encrypt: true }))
  await api.export({ with_secrets: true })
  const { import: id = '' } = await api.import({ op: 'begin', force: true })
  await api.import({
    op: 'stage',
    import: id,
    entries: [{ key: '/s', value: `${canaries.value}-2`, encrypt: true }],
  })
  await api.import({ op: 'diff', import: id })
  await api.import({ op: 'commit', import: id })
  await api.user({ op: 'add', user: 'bob', password: canaries.next })
  await outcomeOf(() =>
    home.registry.unlock(PEER, { kind: 'passphrase', passphrase: canaries.wrong }),
  )
  await home.registry.close()
  const needles = [...Object.values(canaries), session_id]
  const forms = needles.flatMap((text) => {
    const bytes = Buffer.from(text)
    return [
      bytes,
      Buffer.from(bytes.toString('base64').slice(0, 16)),
      Buffer.from(bytes.toString('hex')),
    ]
  })
  let looked = 0
  for (const name of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!name.isFile()) continue
    looked++
    const bytes = readFileSync(join(name.parentPath, name.name))
    for (const form of forms) expect(bytes.includes(form)).toBe(false)
  }
  expect(looked).toBeGreaterThan(4)
})
