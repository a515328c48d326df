/** Whatever is done with entries of which each is for something of its own, by all doors (`Dialect.unique`). */
import { createMemoryFiles } from '@secreg/audit/testing'
import { type RegistryApi, SecregError } from '@secreg/protocol'
import { TEST_ADMIN } from '@secreg/registry/testing'
import { MemoryEngine } from '@secreg/storage'
import { FaultEngine } from '@secreg/storage/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { takeBackup } from './backup-reader.ts'
import { type Home, reason, restart, start } from './fixture.ts'
import { DIALECT, define, put } from './usage-site.ts'

const NAMES = ['a', 'b', 'c'] as const
const USES = ['x', 'y'] as const

const FLAGS = [true, false, undefined] as const

/** One change; `name` and `to` are entries, `use` is what one is for. */
interface Step {
  readonly what: (typeof CHANGES)[number]
  readonly name: string
  readonly to: string
  readonly use: string | null
  readonly flag: boolean | undefined
}

const CHANGES = [
  'define',
  'define',
  'meta',
  'put',
  'set',
  'txn',
  'import',
  'copy',
  'copy in',
  'move',
  'delete',
  'undelete',
  'purge',
  'destroy',
  'rollback',
  'activate',
  'backup',
  'restore',
  'restart',
] as const

const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom(...CHANGES),
  name: fc.constantFrom(...NAMES),
  to: fc.constantFrom(...NAMES),
  use: fc.constantFrom(...USES, null),
  flag: fc.constantFrom(...FLAGS),
})

const keyOf = (name: string): string => `/libvirt/${name}`
const customOf = (use: string | null) => ({ type: use === null ? null : 'for', id: use })

async function restore(api: RegistryApi, file: Uint8Array): Promise<void> {
  const { restore: id = '' } = await api.restore({ op: 'begin' })
  try {
    const data = Buffer.from(file).toString('base64')
    await api.restore({ op: 'stage', restore: id, data })
    const proof = { passphrase: TEST_ADMIN.passphrase }
    await api.restore({ op: 'commit', restore: id, only: '/libvirt', proof })
  } catch (error) {
    await api.restore({ op: 'abort', restore: id })
    throw error
  }
}

class Site {
  readonly #files = createMemoryFiles()
  readonly #medium = new MemoryEngine()
  #home: Home | undefined
  #backup: Uint8Array | undefined

  get #options() {
    return { dialects: [DIALECT], files: this.#files, engine: new FaultEngine(this.#medium) }
  }

  get home(): Home {
    if (this.#home === undefined) throw new Error('not open')
    return this.#home
  }

  async open(): Promise<void> {
    this.#home = await start(this.#options)
    const { api } = this.home
    await define(api, keyOf('a'), { type: 'for', id: 'x' })
    for (let version = 1; version <= 3; version++) await put(api, keyOf('a'), 'v')
  }

  async run({ what, name, to, use, flag }: Step): Promise<unknown> {
    const { api } = this.home
    const key = keyOf(name)
    switch (what) {
      case 'define': {
        const { type, id } = customOf(use)
        const said = type === null ? {} : { type, id }
        return define(api, key, { ...said, ephemeral: flag === true })
      }
      case 'meta':
        return api.meta({ op: 'set', key, custom: customOf(use) })
      case 'put':
        return put(api, key, 'v')
      case 'set':
        return api.set({ key, value: 'v', ...(flag === undefined ? {} : { ephemeral: flag }) })
      case 'txn':
        return api.txn({
          then: [
            { op: 'set', key, value: 'v' },
            ...(to === name ? [] : [{ op: 'delete' as const, key: keyOf(to) }]),
          ],
        })
      case 'import': {
        const { import: id = '' } = await api.import({ op: 'begin', force: true })
        const entries = [...new Set([name, to])].map((one) => ({ key: keyOf(one), value: 'v' }))
        await api.import({ op: 'stage', import: id, entries })
        return api.import({ op: 'commit', import: id })
      }
      case 'copy':
      case 'move':
        return api.transfer({ op: what, from: key, to: keyOf(to), force: flag === true })
      case 'copy in':
        await api.set({ key: '/app/a', value: 'v', ephemeral: flag === true })
        await api.meta({ op: 'set', key: '/app/a', custom: customOf(use) })
        return api.transfer({ op: 'copy', from: '/app/a', to: key, force: true })
      case 'delete':
        return api.delete({ key })
      case 'undelete':
      case 'purge':
        return api.versions({ op: what, key })
      case 'destroy':
        return api.versions({ op: what, key, versions: [await this.#version(key)] })
      case 'rollback':
      case 'activate':
        return api.versions({ op: what, key, version: await this.#version(key) })
      case 'backup':
        this.#backup = (await takeBackup(api)).file
        return undefined
      case 'restore':
        return this.#backup === undefined ? undefined : restore(api, this.#backup)
      case 'restart':
        await this.home.registry.close()
        this.#home = await restart(this.#options)
        return undefined
    }
  }

  /** The oldest that there is. */
  async #version(key: string): Promise<number> {
    return (await this.home.api.history({ key })).versions.at(-1)?.version ?? 0
  }

  /** What each is for, of those that are not deleted. */
  async uses(): Promise<Map<string, string>> {
    const asked = { prefix: '/libvirt', detail: true, unset: true, metadata: true } as const
    const { entries = [] } = await this.home.api.list(asked)
    const uses = entries.flatMap(({ key, custom }) => {
      const { type, id } = custom ?? {}
      return type === undefined || id === undefined ? [] : [[key, id] as const]
    })
    return new Map(uses)
  }

  async find(use: string): Promise<string | undefined> {
    const found = this.home.api.meta({ op: 'find', dialect: 'libvirt', unique: `for ${use}` })
    return found.then(
      ({ key }) => key,
      (error: unknown) => {
        expect(error).toEqual(reason('STORAGE_KEY_NOT_FOUND'))
        return undefined
      },
    )
  }
}

test('each use has at most one entry, and it is the one found', async () => {
  const steps = fc.array(step, { minLength: 20, maxLength: 40 })
  const property = fc.asyncProperty(steps, async (steps) => {
    const site = new Site()
    await site.open()
    for (const each of steps) {
      await site.run(each).catch((error: unknown) => expect(SecregError.is(error)).toBe(true))
      const uses = await site.uses()
      for (const use of USES) {
        const holders = [...uses].filter(([, id]) => id === use).map(([key]) => key)
        expect(holders.length).toBeLessThanOrEqual(1)
        expect(await site.find(use)).toBe(holders[0])
      }
    }
    await site.home.registry.close()
  })
  await fc.assert(property, { numRuns: 15 })
})

const A = keyOf('a')
const version = 1
const value = 'v'

/** Changes of an entry and its versions after which it is for what it was for. */
const KEEPING: Readonly<Record<string, (api: RegistryApi) => Promise<unknown>>> = {
  'a value': (api) => api.set({ key: A, value }),
  'the switch to memory': (api) => api.set({ key: A, value, ephemeral: true }),
  'the switch to memory and back': async (api) => {
    await api.set({ key: A, value, ephemeral: true })
    await api.set({ key: A, value, ephemeral: false })
  },
  'a transaction': (api) => api.txn({ then: [{ op: 'set', key: A, value }] }),
  'an import': async (api) => {
    const { import: id = '' } = await api.import({ op: 'begin', force: true })
    await api.import({ op: 'stage', import: id, entries: [{ key: A, value }] })
    await api.import({ op: 'commit', import: id })
  },
  'a rollback': (api) => api.versions({ op: 'rollback', key: A, version }),
  'an activation': (api) => api.versions({ op: 'activate', key: A, version }),
  'the destruction of its value': (api) => api.versions({ op: 'destroy', key: A, versions: [3] }),
  'a description': (api) => api.meta({ op: 'set', key: A, description: 'text' }),
  'a deletion that is undone': async (api) => {
    await api.delete({ key: A })
    await api.versions({ op: 'undelete', key: A })
  },
  'a deletion that a value undoes': async (api) => {
    await api.delete({ key: A })
    await api.set({ key: A, value })
  },
}

test.each(Object.entries(KEEPING))('%s leaves an entry what it is for', async (_, change) => {
  const site = new Site()
  await site.open()
  const { api, registry } = site.home
  await change(api)
  expect(await site.find('x')).toBe(A)
  const other = define(api, keyOf('b'), { type: 'for', id: 'x' })
  await expect(other).rejects.toEqual(reason('ALREADY_EXISTS'))
  await registry.close()
})

test('a deletion in a transaction frees it, and no value brings it back to whom it was taken from', async () => {
  const site = new Site()
  await site.open()
  const { api, registry } = site.home
  await api.txn({ then: [{ op: 'delete', key: A }] })
  expect(await site.find('x')).toBeUndefined()
  await define(api, keyOf('b'), { type: 'for', id: 'x' })
  await expect(api.set({ key: A, value })).rejects.toEqual(reason('ALREADY_EXISTS'))
  await expect(api.txn({ then: [{ op: 'set', key: A, value }] })).rejects.toEqual(
    reason('ALREADY_EXISTS'),
  )
  expect(await site.find('x')).toBe(keyOf('b'))
  await registry.close()
})
