import { createScryptPool } from '@secreg/crypto/node'
import { initializeTestRegistry, loginTestUser, openTestRegistry } from '@secreg/registry/testing'
import { afterAll, expect, test } from 'vitest'

const pool = createScryptPool()
afterAll(() => pool.close())

test('the main flow', async () => {
  const opened = await openTestRegistry({ scrypt: pool.scrypt })
  const admin = await initializeTestRegistry(opened)
  const api = opened.registry.as(admin)
  expect(await api.set({ key: '/app/a', value: 'hello' })).toMatchObject({
    success: true,
    version: 1,
  })
  expect(await api.set({ key: '/app/s', value: 'secret', encrypt: true })).toMatchObject({
    version: 1,
  })
  expect(await api.get({ key: '/app/a' })).toMatchObject({
    value: 'hello',
    type: 'string',
    encrypted: false,
    version: 1,
  })
  expect(await api.get({ key: '/app/s' })).toMatchObject({ value: null, encrypted: true })
  expect(await api.get({ key: '/app/s', decrypt: true })).toMatchObject({
    value: 'secret',
    encrypted: true,
  })
  expect(await api.list({ prefix: '/', recursive: true })).toEqual({ keys: ['/app/a', '/app/s'] })
  expect(await api.list({ prefix: '/' })).toEqual({ keys: ['/app/'] })
  await api.user({ op: 'add', user: 'bob', password: 'Builder-of-things-1', roles: ['operator'] })
  const bob = opened.registry.as(await loginTestUser(opened, 'bob', 'Builder-of-things-1'))
  await expect(bob.delete({ key: '/app/a' })).rejects.toMatchObject({ reason: 'ACCESS_DENIED' })
  expect(await api.delete({ key: '/app', recursive: true })).toMatchObject({ deleted: 2 })
  await expect(api.get({ key: '/app/a' })).rejects.toMatchObject({
    reason: 'ENTRY_DELETED',
  })
  const { records } = await api.audit({ limit: 3 })
  expect(records.map(({ action, outcome }) => [action, outcome])).toEqual([
    ['read', 'failed'],
    ['delete', 'ok'],
    ['delete', 'denied'],
  ])
  await opened.registry.close()
})
