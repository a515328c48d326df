/**
 * Whatever befalls a change of a protector, what opened the registry before opens it, or what was given since: never
 * neither, never a state between. Whoever is answered is told the truth. Durability class: synced.
 */
import { createMemoryFiles, type MemoryFiles } from '@secreg/audit/testing'
import { nodeBackend } from '@secreg/crypto/node'
import type { RequestOf } from '@secreg/protocol'
import { loginTestUser, TEST_ADMIN } from '@secreg/registry/testing'
import { MemoryEngine } from '@secreg/storage'
import { type CommitFault, FaultEngine } from '@secreg/storage/testing'
import { describe, expect, test } from 'vitest'
import type { PipelineStep } from '../src/writer.ts'
import { type Home, linesOf, open, outcomeOf, PEER, start } from './fixture.ts'

type Unlock = Omit<Extract<RequestOf<'seal'>, { op: 'unlock' }>, 'op'>
type Request = RequestOf<'protector'>

const { passphrase, admin: LOGIN, admin_password: PASSWORD } = TEST_ADMIN
const random = (): string => Buffer.from(nodeBackend.randomBytes(32)).toString('base64')
const KEY_FILE = random()
const OTHER_FILE = random()
const NEXT = 'another twelve characters'
const proof = { passphrase }

interface Change {
  readonly request: Request
  /** Ways that open it before and after, of all of them. */
  readonly before: readonly string[]
  readonly after: readonly string[]
  /** What a second run is refused with once it is made; absent: it succeeds again. */
  readonly again?: string
}

const WAYS: Readonly<Record<string, Unlock>> = {
  passphrase: { passphrase },
  next: { passphrase: NEXT },
  file: { key_file: KEY_FILE },
  other: { key_file: OTHER_FILE },
}

const CHANGES: Readonly<Record<string, Change>> = {
  add: {
    request: { op: 'add', kind: 'passphrase', passphrase: NEXT, label: 'next', proof },
    before: ['passphrase', 'file'],
    after: ['passphrase', 'next', 'file'],
    again: 'ALREADY_EXISTS',
  },
  'change of the passphrase that proves it': {
    request: { op: 'change', protector: 'first', passphrase: NEXT, proof: { passphrase } },
    before: ['passphrase', 'file'],
    after: ['next', 'file'],
    again: 'UNLOCK_FAILED',
  },
  'change of a key file': {
    request: { op: 'change', protector: 'host', key_file: OTHER_FILE, proof },
    before: ['passphrase', 'file'],
    after: ['passphrase', 'other'],
  },
  remove: {
    request: { op: 'remove', protector: 'host' },
    before: ['passphrase', 'file'],
    after: ['passphrase'],
    again: 'NOT_FOUND',
  },
}

const STEPS: readonly PipelineStep[] = ['planned', 'gated', 'committed', 'logged', 'published']
const POINTS = ['before-sync', 'after-sync', ...STEPS] as const
type Point = (typeof POINTS)[number]

interface Place extends Home {
  readonly engine: FaultEngine
  readonly medium: MemoryEngine
  /** Have the process die at this point of the next commit that changes the header. */
  armed: { readonly point: Point; readonly death: 'killed' | 'without power' } | undefined
}

/** A registry with a labelled passphrase and a key file, and a value. */
async function prepare(): Promise<Place> {
  const medium = new MemoryEngine()
  const files = createMemoryFiles()
  let place: Place | undefined
  const reach = (point: Point): void => {
    if (place?.armed?.point !== point) return
    engine.crash()
    if (place.armed.death === 'killed') files.kill()
    else files.crash('lost')
  }
  const engine = new FaultEngine(medium, { onPoint: reach })
  const home = await start({ engine, files, onStep: reach })
  place = { ...home, engine, medium, armed: undefined }
  const { api } = home
  await api.set({ key: '/s', value: 'secret', encrypt: true })
  const [first] = (await api.protector({ op: 'list' })).protectors ?? []
  const file = { op: 'add', kind: 'key-file', key_file: KEY_FILE, label: 'host', proof } as const
  await api.protector(file)
  const labelled = { op: 'add', kind: 'passphrase', passphrase, label: 'first', proof } as const
  await api.protector(labelled)
  await api.protector({ op: 'remove', protector: first?.id ?? '' })
  return place
}

/** Which ways open what the medium has, in processes of their own; each reads the value. */
async function waysOf(medium: MemoryEngine, files: MemoryFiles): Promise<string[]> {
  const found: string[] = []
  for (const [name, way] of Object.entries(WAYS)) {
    const home = await open({ engine: new FaultEngine(medium), files })
    const { reason } = (await outcomeOf(() =>
      home.registry.unlockBy(PEER, { op: 'unlock', ...way }),
    )) as { reason?: string }
    if (reason === undefined) {
      found.push(name)
      const admin = await loginTestUser(home.opened, LOGIN, PASSWORD)
      expect(await home.registry.as(admin).get({ key: '/s', decrypt: true })).toMatchObject({
        value: 'secret',
      })
    } else expect(['UNLOCK_FAILED', 'NO_PROTECTOR']).toContain(reason)
    await home.registry.close()
  }
  return found
}

async function next({ medium, files }: Place, way: Unlock): Promise<Place> {
  const engine = new FaultEngine(medium)
  const home = await open({ engine, files })
  await home.registry.unlockBy(PEER, { op: 'unlock', ...way })
  const admin = await loginTestUser(home.opened, LOGIN, PASSWORD)
  return { ...home, engine, medium, admin, api: home.registry.as(admin), armed: undefined }
}

const records = (files: MemoryFiles, { request }: Change): number =>
  linesOf(files).filter(
    ({ body }) =>
      body.action === 'protector' &&
      body.outcome === 'ok' &&
      body.detail?.startsWith(`${request.op} `),
  ).length

describe.each(Object.entries(CHANGES))('%s', (_, change) => {
  test('death at any point: wholly before or wholly after, one record, and a rerun finishes', async () => {
    const ends = { before: 0, after: 0 }
    for (const death of ['killed', 'without power'] as const) {
      for (const point of POINTS) {
        const place = await prepare()
        const made = records(place.files, change)
        place.armed = { point, death }
        const answer = await place.api.protector(change.request).catch(() => undefined)
        expect(place.engine.state).toBe('closed')
        const what = `${death} at ${point}`
        const ways = await waysOf(place.medium, place.files)
        const isAfter = ways.join() === change.after.join()
        if (!isAfter) expect(ways, what).toEqual(change.before)
        if (answer !== undefined) expect(isAfter, what).toBe(true)
        ends[isAfter ? 'after' : 'before']++
        expect(records(place.files, change) - made, what).toBe(isAfter ? 1 : 0)

        const later = await next(place, WAYS[ways[0] ?? ''] ?? {})
        const { reason } = (await outcomeOf(() => later.api.protector(change.request))) as {
          reason?: string
        }
        expect(reason, what).toBe(isAfter ? change.again : undefined)
        await later.registry.close()
        expect(await waysOf(place.medium, place.files), what).toEqual(change.after)
      }
    }
    expect(ends.before).toBeGreaterThan(0)
    expect(ends.after).toBeGreaterThan(0)
  })

  const FAULTS: readonly CommitFault[] = (['ENOSPC', 'EIO'] as const).flatMap((errno) =>
    [false, true].flatMap((applied) =>
      [true, false].map((reopens) => ({ errno, applied, reopens })),
    ),
  )

  test.each(FAULTS)(
    '$errno, applied $applied, reopened at once $reopens: the truth is told',
    async (fault) => {
      const place = await prepare()
      const { engine, files, medium, api, registry } = place
      engine.failCommit(1, fault)
      const { reason } = (await outcomeOf(() => api.protector(change.request))) as {
        reason?: string
      }
      const isFailure = fault.applied !== true || fault.reopens === false
      if (fault.applied === true) expect(reason).toBe(isFailure ? 'OUTCOME_UNKNOWN' : undefined)
      else expect(reason).toBe(fault.errno === 'ENOSPC' ? 'STORAGE_FULL' : 'STORAGE_FAILED')
      engine.heal()
      // The first that comes brings the store back, and then the registry knows which header holds.
      await outcomeOf(() => api.delete({ key: '/none' }))
      const want = fault.applied === true ? change.after : change.before
      for (const [name, way] of Object.entries(WAYS)) {
        const admin = await loginTestUser(place.opened, LOGIN, PASSWORD)
        await registry.lock(admin)
        const { reason: word } = (await outcomeOf(() =>
          registry.unlockBy(PEER, { op: 'unlock', ...way }),
        )) as { reason?: string }
        expect(word === undefined, name).toBe(want.includes(name))
        if (word !== undefined) {
          await registry.unlockBy(PEER, { op: 'unlock', ...(WAYS[want[0] ?? ''] ?? {}) })
        }
      }
      await registry.close()
      expect(await waysOf(medium, files)).toEqual(want)
    },
  )
})
