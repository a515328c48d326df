/** Somebody who can write the files and has no key puts back what was there: it is refused, and grants nothing. */
import { cpSync } from 'node:fs'
import { createMemoryFiles } from '@secreg/audit/testing'
import { loginTestUser, TEST_ADMIN } from '@secreg/registry/testing'
import { LevelEngine } from '@secreg/storage'
import { createTempHome } from '@secreg/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { Attacker, takeApart } from '../../storage/test/attacker.ts'
import { SEAL_KEY } from '../src/keys.ts'
import { addUser, open, PASSWORD, PEER, reason, start } from './fixture.ts'

const { passphrase } = TEST_ADMIN
const NEXT = 'another twelve characters'

/**
 * A store in which the passphrase was changed, a key file was removed and a user lost a role; answers its files, and
 * the rows as they were before.
 */
async function prepared() {
  const temporary = createTempHome('registry-replay-')
  onTestFinished(() => temporary.remove())
  const directory = temporary.file('store')
  const files = createMemoryFiles()
  const home = await start({ engine: await LevelEngine.open(directory), files })
  const { api, registry } = home
  const proof = { passphrase }
  const key_file = Buffer.alloc(32, 7).toString('base64')
  await api.protector({ op: 'add', kind: 'key-file', key_file, label: 'host', proof })
  const bob = await addUser(home, 'bob', ['admin'])
  const account = `a/${bob.caller.accountId}`
  const [first] = (await api.protector({ op: 'list' })).protectors ?? []
  const copy = temporary.file('copy')
  await registry.close()
  cpSync(directory, copy, { recursive: true })

  const again = await open({ engine: await LevelEngine.open(directory), files })
  await again.registry.unlockBy(PEER, { op: 'unlock', passphrase })
  const admin = await loginTestUser(again.opened, TEST_ADMIN.admin, TEST_ADMIN.admin_password)
  const later = again.registry.as(admin)
  const id = first?.id ?? ''
  await later.protector({ op: 'change', protector: id, passphrase: NEXT, proof })
  await later.protector({ op: 'remove', protector: 'host' })
  await later.user({ op: 'roles', user: 'bob', roles: ['user'] })
  await again.registry.close()
  const old = (key: string): Promise<Buffer> => Attacker.on(copy, (one) => one.read(`d${key}`))
  const attack = (work: (attacker: Attacker) => Promise<void>): Promise<void> =>
    Attacker.on(directory, async (attacker) => {
      await work(attacker)
      // Nobody looks at the last commits again that were verified at an earlier opening.
      const { modifyRevision } = takeApart(await attacker.read('h'))
      await attacker.mark('mcheckpoint', modifyRevision)
    })
  const reopen = async () => open({ engine: await LevelEngine.open(directory), files })
  return { attack, old, reopen, account, key_file }
}

test('fault: an older seal header that was put back opened with what opened it then', async () => {
  const { attack, old, reopen, key_file } = await prepared()
  const header = await old(SEAL_KEY)
  await attack((attacker) => attacker.write(`d${SEAL_KEY}`, header))
  const { registry } = await reopen()
  for (const way of [{ passphrase }, { key_file }]) {
    await expect(registry.unlockBy(PEER, { op: 'unlock', ...way })).rejects.toEqual(
      reason('STORAGE_CORRUPT'),
    )
    expect(registry.state).toBe('sealed')
  }
  await expect(registry.unlockBy(PEER, { op: 'unlock', passphrase: NEXT })).rejects.toEqual(
    reason('UNLOCK_FAILED'),
  )
  await registry.close()
})

test('nor does it with sums that were made to fit', async () => {
  const { attack, old, reopen } = await prepared()
  const header = await old(SEAL_KEY)
  await attack(async (attacker) => {
    await attacker.write(`d${SEAL_KEY}`, header)
    await attacker.adaptHead()
  })
  const { registry } = await reopen()
  await expect(registry.unlockBy(PEER, { op: 'unlock', passphrase })).rejects.toEqual(
    reason('STORAGE_CORRUPT'),
  )
  expect(registry.state).toBe('sealed')
  await registry.close()
})

test('an account in an older form grants nothing', async () => {
  const { attack, old, reopen, account } = await prepared()
  const row = await old(account)
  await attack((attacker) => attacker.write(`d${account}`, row))
  const home = await reopen()
  await expect(home.registry.unlockBy(PEER, { op: 'unlock', passphrase: NEXT })).rejects.toEqual(
    reason('STORAGE_CORRUPT'),
  )
  const bob = await loginTestUser(home.opened, 'bob', PASSWORD)
  await expect(
    home.registry.as(bob).user({ op: 'roles', user: 'bob', roles: ['admin'] }),
  ).rejects.toEqual(reason('SEALED'))
  await home.registry.close()
})

test('left alone, the store opens as it should', async () => {
  const { reopen } = await prepared()
  const { registry } = await reopen()
  await expect(registry.unlockBy(PEER, { op: 'unlock', passphrase })).rejects.toEqual(
    reason('UNLOCK_FAILED'),
  )
  expect(await registry.unlockBy(PEER, { op: 'unlock', passphrase: NEXT })).toEqual({
    state: 'unsealed',
  })
  await registry.close()
})
