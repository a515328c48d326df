/**
 * Somebody who can write the files of the store and has no key (DESIGN §6): whatever he does to a row of an entry is
 * refused when it is read, or found by the scrub that follows the unlock, named where history tells, and locks the
 * registry. Accounts, policies and the seal: `protector-replay.test.ts`; rows as such: `@secreg/storage`.
 */
import { cpSync } from 'node:fs'
import { createMemoryFiles } from '@secreg/audit/testing'
import { loginTestUser, TEST_ADMIN } from '@secreg/registry/testing'
import { LevelEngine } from '@secreg/storage'
import { createTempHome, waitFor } from '@secreg/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Attacker, takeApart } from '../../storage/test/attacker.ts'
import { decodeEntry } from '../src/entry.ts'
import { flagsOf } from '../src/record.ts'
import { linesOf, open, outcomeOf, PASSPHRASE, PEER, reason, start } from './fixture.ts'

const KEY = '/app/secret'

/** A store in which an entry was changed after a copy of its files was made. */
async function prepared() {
  const temporary = createTempHome('registry-tampering-')
  onTestFinished(() => temporary.remove())
  const directory = temporary.file('store')
  const copy = temporary.file('copy')
  const files = createMemoryFiles()
  const first = await start({ engine: await LevelEngine.open(directory), files })
  await first.api.set({ key: KEY, value: 'old', encrypt: true })
  await first.api.set({ key: '/app/other', value: 'other', encrypt: true })
  await first.api.set({ key: '/app/plain', value: 'plain' })
  const entry = await first.engine.get(`e${KEY}`)
  const other = await first.engine.get('e/app/other')
  const { id } = decodeEntry(entry as never)
  const otherId = decodeEntry(other as never).id
  await first.registry.close()
  cpSync(directory, copy, { recursive: true })
  const second = await reopen(directory, files)
  await second.api.set({ key: KEY, value: 'new' })
  await second.registry.close()
  const old = (key: string): Promise<Buffer> => Attacker.on(copy, (one) => one.read(`d${key}`))
  const attack = (work: (attacker: Attacker) => Promise<void>): Promise<void> =>
    Attacker.on(directory, async (attacker) => {
      await work(attacker)
      // Nobody compares the last commits again that were verified at an earlier opening.
      const { modifyRevision } = takeApart(await attacker.read('h'))
      await attacker.mark('mcheckpoint', modifyRevision)
    })
  return { id, otherId, old, attack, files, reopen: () => reopen(directory, files) }
}

async function reopen(directory: string, files: ReturnType<typeof createMemoryFiles>) {
  const faults: unknown[] = []
  const home = await open({
    engine: await LevelEngine.open(directory),
    files,
    onFault: (fault) => faults.push(fault),
  })
  onTestFinished(() => home.registry.close().catch(() => {}))
  await home.registry.unlock(PEER, PASSPHRASE)
  const admin = await loginTestUser(home.opened, TEST_ADMIN.admin, TEST_ADMIN.admin_password)
  return { ...home, faults, admin, api: home.registry.as(admin) }
}

type Home = Awaited<ReturnType<typeof reopen>>

/** What the scrub that follows the unlock makes of it. */
async function locked({ registry, faults, files }: Home): Promise<string | undefined> {
  await registry.housekeep()
  await waitFor(() => registry.state === 'sealed', { what: 'the registry to lock itself' })
  expect(faults).toContainEqual(expect.objectContaining({ reason: 'STORAGE_CORRUPT' }))
  const { body } = linesOf(files).findLast(({ body: { action } }) => action === 'lock') ?? {}
  expect(body).toMatchObject({ outcome: 'ok', actor: { address: 'scrub', door: 'internal' } })
  return body?.detail
}

describe('an older copy of a row, under its own key', () => {
  test('is found, named, and locks the registry', async () => {
    const { old, attack, reopen: again } = await prepared()
    const row = await old(`e${KEY}`)
    await attack((attacker) => attacker.write(`de${KEY}`, row))
    const home = await again()
    expect(await locked(home)).toContain(`e${KEY}`)
    await expect(home.api.get({ key: KEY, decrypt: true })).rejects.toEqual(reason('SEALED'))
    // Who unlocks it again is told again.
    await home.registry.unlock(PEER, PASSPHRASE)
    await locked(home)
  })

  test('is found also when history is gone', async () => {
    const { old, attack, reopen: again } = await prepared()
    const row = await old(`e${KEY}`)
    await attack(async (attacker) => {
      await attacker.write(`de${KEY}`, row)
      const { modifyRevision } = takeApart(await attacker.read('h'))
      await attacker.forgetChanges(modifyRevision)
    })
    expect(await locked(await again())).toMatch(/removed, inserted, or replaced/)
  })

  test('is told of and not locked for where the configuration says so', async () => {
    const { old, attack, reopen: again } = await prepared()
    const row = await old(`e${KEY}`)
    await attack((attacker) => attacker.write(`de${KEY}`, row))
    const home = await again()
    const settings = { requireMfa: false, sealedReads: true, encryptPrefixes: [] }
    home.registry.configure({ ...settings, lockOnTampering: false })
    await home.registry.housekeep()
    await waitFor(() => home.faults.length > 0)
    expect(home.registry.state).toBe('unsealed')
    expect(home.registry.status(home.admin).warnings).toEqual([expect.stringMatching(/damaged/)])
  })
})

test('a row that is gone is found', async () => {
  const { attack, reopen: again } = await prepared()
  await attack((attacker) => attacker.write('de/app/plain', undefined))
  expect(await locked(await again())).toContain('e/app/plain')
})

describe('what is refused when it is read', () => {
  test('any flipped bit of a record', async () => {
    const { attack, reopen: again } = await prepared()
    await attack((attacker) =>
      attacker.edit(`de${KEY}`, ({ value }) => {
        const at = value.length >> 1
        value.writeUInt8(value.readUInt8(at) ^ 1, at)
      }),
    )
    const home = await again()
    await expect(home.api.get({ key: KEY, decrypt: true })).rejects.toEqual(
      reason('STORAGE_CORRUPT'),
    )
  })

  test('an edited flag: a private entry is not made public, an encrypted one not plain', async () => {
    const { attack, reopen: again } = await prepared()
    await attack((attacker) =>
      attacker.edit(`de${KEY}`, ({ value }) => {
        expect(flagsOf(value) & 1).toBe(1)
        value.writeUInt8(value.readUInt8(1) & ~1, 1)
      }),
    )
    const home = await again()
    await expect(home.api.get({ key: KEY })).rejects.toEqual(reason('STORAGE_CORRUPT'))
  })

  test('records that were swapped, and a record under another path', async () => {
    const { attack, reopen: again } = await prepared()
    await attack(async (attacker) => {
      const one = await attacker.read(`de${KEY}`)
      const two = await attacker.read('de/app/other')
      await attacker.edit(`de${KEY}`, (parts) => Object.assign(parts, takeApart(two)))
      await attacker.edit('de/app/other', (parts) => Object.assign(parts, takeApart(one)))
    })
    const home = await again()
    for (const key of [KEY, '/app/other']) {
      await expect(home.api.get({ key, decrypt: true })).rejects.toEqual(reason('STORAGE_CORRUPT'))
    }
  })

  test('a sealed value that was moved to another entry or version', async () => {
    const { id, otherId, attack, reopen: again } = await prepared()
    await attack(async (attacker) => {
      const one = takeApart(await attacker.read(`dv/${id}/000000000002`))
      for (const place of [`v/${id}/000000000001`, `v/${otherId}/000000000001`]) {
        await attacker.edit(`d${place}`, (parts) => Object.assign(parts, one))
      }
    })
    const home = await again()
    for (const request of [{ key: KEY, version: 1 }]) {
      const { reason: why } = (await outcomeOf(() =>
        home.api.get({ ...request, decrypt: true }),
      )) as { reason: string }
      expect(why).toBe('STORAGE_CORRUPT')
    }
    await expect(home.api.history({ key: '/app/other' })).rejects.toEqual(reason('STORAGE_CORRUPT'))
  })

  test('an entry that was inserted grants nothing and is no value', async () => {
    const { attack, reopen: again } = await prepared()
    await attack(async (attacker) => {
      const row = await attacker.read('de/app/plain')
      await attacker.write('de/app/inserted', row)
      await attacker.edit('de/app/inserted', () => {})
    })
    const home = await again()
    await expect(home.api.get({ key: '/app/inserted' })).rejects.toEqual(reason('STORAGE_CORRUPT'))
  })
})
