/** Break-glass makes an administrator where there is none who can act, and leaves its record. */
import { loginTestUser, TEST_ADMIN } from '@secreg/registry/testing'
import { describe, expect, test } from 'vitest'
import { addUser, linesOf, PASSPHRASE, PASSWORD, PEER, reason, start } from './fixture.ts'

const HOST = { door: 'internal', address: 'secregd recover', uid: 0 } as const
const request = { password: 'Break-the-Glass-1', resetPolicies: false }

async function login(home: Awaited<ReturnType<typeof start>>, username: string, password: string) {
  return home.registry.as(await loginTestUser(home, username, password))
}

describe('recoverAdministrator', () => {
  test('a new account administers and reads secrets', async () => {
    const home = await start()
    await home.api.set({ key: '/app/secret', value: 'hidden', encrypt: true })
    expect(await home.registry.recoverAdministrator(HOST, { login: 'Rescue', ...request })).toEqual(
      {
        login: 'rescue',
        created: true,
      },
    )
    const api = await login(home, 'rescue', request.password)
    expect((await api.get({ key: '/app/secret', decrypt: true })).value).toBe('hidden')
    await api.user({ op: 'password', user: 'root', password: 'Another-One-Now-2' })
    const { body } = linesOf(home.files).find(({ body: { action } }) => action === 'recover') ?? {}
    expect(body).toMatchObject({
      outcome: 'ok',
      detail: 'administrator rescue',
      actor: { uid: 0, door: 'internal', address: 'secregd recover', proof: 'kernel' },
    })
    await home.registry.close()
  })

  test('an account that exists is enabled, gets the role and the password, and its sessions end', async () => {
    const home = await start()
    const { caller } = await addUser(home, 'olaf', ['operator'])
    await home.api.user({ op: 'disable', user: 'olaf' })
    expect(await home.registry.recoverAdministrator(HOST, { login: 'olaf', ...request })).toEqual({
      login: 'olaf',
      created: false,
    })
    const { users } = await home.api.user({ op: 'show', user: 'olaf' })
    expect(users).toMatchObject([{ roles: ['admin', 'operator'], disabled: false }])
    expect(caller.accountId).toBe(users?.[0]?.account)
    await expect(login(home, 'olaf', PASSWORD)).rejects.toThrow()
    await (await login(home, 'olaf', request.password)).user({ op: 'list' })
    await home.registry.close()
  })

  test('policies of the roles are put back where they were changed to lock everybody out', async () => {
    const home = await start()
    const key = 'p/role-admin'
    const value = new TextEncoder().encode(JSON.stringify({ id: 'role-admin', rules: [] }))
    await home.engine.commit({ ops: [{ type: 'put', key, value }] })
    await home.registry.lock(home.admin)
    await home.registry.unlock(PEER, PASSPHRASE)
    const locked = await login(home, TEST_ADMIN.admin, TEST_ADMIN.admin_password)
    await expect(locked.user({ op: 'list' })).rejects.toEqual(reason('ACCESS_DENIED'))
    await home.registry.recoverAdministrator(HOST, {
      login: 'root',
      password: request.password,
      resetPolicies: true,
    })
    await (await login(home, 'root', request.password)).user({ op: 'list' })
    await home.registry.close()
  })

  test('needs the keys, a name and a password that may be one', async () => {
    const home = await start()
    const recover = (change: object) =>
      home.registry.recoverAdministrator(HOST, { login: 'rescue', ...request, ...change })
    await expect(recover({ login: 'no name' })).rejects.toEqual(reason('INVALID_ARGUMENT'))
    await expect(recover({ password: 'short' })).rejects.toEqual(reason('PASSWORD_POLICY'))
    await home.registry.lock(home.admin)
    await expect(recover({})).rejects.toEqual(reason('SEALED'))
    await home.registry.unlock(PEER, PASSPHRASE)
    await expect(login(home, 'rescue', request.password)).rejects.toThrow()
    await home.registry.close()
  })
})
