/** One case of each change over many rows, and everything that shows whether it was made. */
import type { Home } from './fixture.ts'
import { outcomeOf } from './fixture.ts'

export interface ChangeCase {
  /** Action of its record. */
  readonly action: string
  /** What is there before. */
  prepare(home: Home): Promise<unknown>
  /** The change itself, alone. */
  run(home: Home): Promise<unknown>
  /** What has to happen before it can be made, and counts as no part of it. */
  before?(time: CaseTime): void
  /** What a second run is refused with once it is made; absent: it succeeds again. */
  readonly again?: string
  /** Nobody waits for an answer: it is told as a fault. */
  readonly unasked?: true
}

/** A clock in the test's hands. */
export interface CaseTime {
  wall: number
  monotonic: number
}

const LARGE = 'large '.repeat(2000)

/** Paths that the cases use. */
const PATHS = ['/a', '/b', '/c', '/s', '/s/x', '/s/y/z', '/t', '/t/x', '/t/y/z', '/else']

/** Three versions, plain and encrypted, small and large; the second is active. */
async function threeVersions({ api }: Home, key: string): Promise<void> {
  await api.set({ key, value: 'one' })
  await api.set({ key, value: LARGE, type: 'string', encrypt: true })
  await api.set({ key, value: 'three', encrypt: true })
  await api.versions({ op: 'activate', key, version: 2 })
  await api.meta({ op: 'set', key, description: 'three versions', tags: ['t'] })
}

async function subtree(home: Home): Promise<void> {
  await threeVersions(home, '/s')
  await home.api.set({ key: '/s/x', value: 'x', ttl_s: 3600 })
  await home.api.set({ key: '/s/y/z', value: LARGE, type: 'string' })
}

const KEY = '/a'

export const CHANGES: Readonly<Record<string, ChangeCase>> = {
  transaction: {
    action: 'transaction',
    prepare: async (home) => {
      await threeVersions(home, KEY)
      await home.api.set({ key: '/c', value: 'c' })
    },
    run: ({ api }) =>
      api.txn({
        compare: [{ key: KEY, version: 3 }],
        then: [
          { op: 'set', key: KEY, value: 'four' },
          { op: 'set', key: '/b', value: LARGE, type: 'string', ttl_s: 60 },
          { op: 'delete', key: '/c' },
        ],
        else: [{ op: 'set', key: '/else', value: 'done before' }],
      }),
  },
  move: {
    action: 'move',
    prepare: (home) => threeVersions(home, KEY),
    run: ({ api }) => api.transfer({ op: 'move', from: KEY, to: '/b' }),
    again: 'STORAGE_KEY_NOT_FOUND',
  },
  'move with new numbers': {
    action: 'move',
    prepare: async (home) => {
      await threeVersions(home, KEY)
      await home.api.set({ key: '/b', value: 'x' })
      await home.api.versions({ op: 'purge', key: '/b' })
    },
    run: ({ api }) => api.transfer({ op: 'move', from: KEY, to: '/b' }),
    again: 'STORAGE_KEY_NOT_FOUND',
  },
  'recursive move': {
    action: 'move',
    prepare: subtree,
    run: ({ api }) => api.transfer({ op: 'move', from: '/s', to: '/t', recursive: true }),
    again: 'STORAGE_KEY_NOT_FOUND',
  },
  copy: {
    action: 'copy',
    prepare: (home) => threeVersions(home, KEY),
    run: ({ api }) => api.transfer({ op: 'copy', from: KEY, to: '/b' }),
    again: 'ALREADY_EXISTS',
  },
  'recursive copy': {
    action: 'copy',
    prepare: subtree,
    run: ({ api }) => api.transfer({ op: 'copy', from: '/s', to: '/t', recursive: true }),
    again: 'ALREADY_EXISTS',
  },
  purge: {
    action: 'purge',
    prepare: (home) => threeVersions(home, KEY),
    run: ({ api }) => api.versions({ op: 'purge', key: KEY }),
    again: 'STORAGE_KEY_NOT_FOUND',
  },
  'recursive purge': {
    action: 'purge',
    prepare: async (home) => {
      await subtree(home)
      await home.api.delete({ key: '/s/y/z' })
    },
    run: ({ api }) => api.versions({ op: 'purge', key: '/s', recursive: true }),
    again: 'STORAGE_KEY_NOT_FOUND',
  },
  destroy: {
    action: 'destroy',
    prepare: (home) => threeVersions(home, KEY),
    run: ({ api }) => api.versions({ op: 'destroy', key: KEY, versions: [1, 2] }),
  },
  rollback: {
    action: 'rollback',
    prepare: (home) => threeVersions(home, KEY),
    run: ({ api }) => api.versions({ op: 'rollback', key: KEY, version: 1, if_version: 3 }),
    again: 'VERSION_CONFLICT',
  },
  'switch to ephemeral': {
    action: 'write',
    prepare: (home) => threeVersions(home, KEY),
    run: ({ api }) => api.set({ key: KEY, value: 'in memory', ephemeral: true }),
  },
  'switch to durable': {
    action: 'write',
    prepare: async ({ api }) => {
      await api.set({ key: KEY, value: LARGE, type: 'string', ephemeral: true })
      await api.set({ key: KEY, value: 'two' })
    },
    run: ({ api }) => api.set({ key: KEY, value: 'on disk', ephemeral: false }),
  },
  sweep: {
    action: 'expire',
    prepare: async ({ api }) => {
      await api.set({ key: KEY, value: LARGE, type: 'string', ttl_s: 3600 })
      await api.set({ key: KEY, value: 'two', ttl_s: 10 })
      await api.set({ key: '/b', value: 'kept' })
      await api.meta({ op: 'set', key: '/b', delete_after_s: 5 })
      await api.set({ key: '/b', value: 'for a while', encrypt: true })
      await api.set({ key: '/c', value: 'not yet', ttl_s: 20 })
    },
    before: (time) => {
      time.wall += 10_000
      time.monotonic += 10_000
    },
    run: ({ registry }) => registry.housekeep(),
    unasked: true,
  },
  'metadata set': {
    action: 'write-metadata',
    prepare: (home) => threeVersions(home, KEY),
    run: ({ api }) =>
      api.meta({ op: 'set', key: KEY, custom: { owner: 'x' }, ttl_s: 60, max_versions: 7 }),
  },
  'mount set': {
    action: 'mount',
    prepare: (home) => threeVersions(home, KEY),
    run: ({ api }) => api.mount({ op: 'set', path: '/s', dialect: 'registry', max_versions: 3 }),
  },
  'mount set with a quota, of what is counted first': {
    action: 'mount',
    prepare: async (home) => {
      await subtree(home)
      await home.api.mount({ op: 'set', path: '/', dialect: 'registry', max_entries: 1000 })
    },
    run: ({ api }) => api.mount({ op: 'set', path: '/s', dialect: 'registry', max_bytes: 100_000 }),
  },
  'move between mounts with quotas': {
    action: 'move',
    prepare: async (home) => {
      await subtree(home)
      for (const path of ['/s', '/t']) {
        await home.api.mount({ op: 'set', path, dialect: 'registry', max_bytes: 100_000 })
      }
    },
    run: ({ api }) => api.transfer({ op: 'move', from: '/s', to: '/t', recursive: true }),
    again: 'STORAGE_KEY_NOT_FOUND',
  },
}

/** Spaces whose durable rows are counted: nothing of a change may be there without the rest. */
const SPACES = ['e', 'm', 't', 'v', 'w', 'z']

/** Numbers that a repetition makes different. */
const REVISIONS = new Set(['modify_revision', 'revision'])

/** Everything that shows what was done, comparable between registries that did the same. */
export async function stateOf(home: Home): Promise<unknown> {
  const { api, engine, registry, admin } = home
  const entries: unknown[] = []
  for (const key of PATHS) {
    const told = await outcomeOf(() => api.history({ key }))
    const versions = await api.history({ key }).then(
      (found) => found.versions.map(({ version }) => version),
      () => [],
    )
    const values: unknown[] = [await outcomeOf(() => api.get({ key, decrypt: true }))]
    for (const version of versions) {
      values.push(await outcomeOf(() => api.get({ key, version, decrypt: true })))
    }
    entries.push([key, told, await outcomeOf(() => api.meta({ op: 'get', key })), values])
  }
  const rows: Record<string, number> = {}
  for (const space of SPACES) {
    rows[space] = 0
    for await (const _ of engine.iterate({ gte: `${space}/`, lt: `${space}0` })) rows[space]++
  }
  const { mounts } = await api.mount({ op: 'list' })
  const { keys } = await api.list({ prefix: '/', recursive: true })
  const state = { entries, rows, mounts, keys, count: registry.status(admin).entries }
  return JSON.parse(
    JSON.stringify(state, (name, value: unknown) => (REVISIONS.has(name) ? undefined : value)),
  )
}
