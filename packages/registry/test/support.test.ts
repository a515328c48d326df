/** A support document tells how it is, and nothing that must not leave the machine. */
import { createCanary } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { finding } from '../src/doctor/finding.ts'
import { addUser, linesOf, PASSWORD, reason, start } from './fixture.ts'

const HOST = {
  node: 'v20.0.0',
  kernel: '6.0',
  platform: 'linux x64',
  configuration: { 'session.timeout': 600 },
  event_loop: { utilization: 0.1, delay_ms: { p50: 0, p99: 1, max: 2 } },
  memory: { rss: 1, heap_used: 1, external: 1 },
  faults: [{ code: 'ERR_STORAGE_FULL', at: 5 }],
}

test('holds no value, path, name, label or passphrase, wherever they stand', async () => {
  const canary = {
    value: createCanary('value'),
    secret: createCanary('secret'),
    path: createCanary('path'),
    mount: createCanary('mount'),
    user: createCanary('user').slice(0, 30),
    description: createCanary('description'),
    file: createCanary('file'),
    backup: createCanary('backup'),
  }
  const home = await start({
    hostChecks: async () => [{ check: 'socket', level: 'fault', message: `/run/${canary.file}` }],
    host: { support: async () => HOST, storeBytes: async () => 4096 },
    backupSchedule: () => ({
      directory: `/${canary.backup}`,
      interval_s: 3600,
      files: 1,
      next_at: 0,
      failing: `${canary.backup} is full`,
    }),
  })
  const { api } = home
  const rules = { dialect: 'registry', max_entries: 1, max_bytes: 1000 }
  await api.mount({ op: 'set', path: `/${canary.mount}`, ...rules })
  await api.set({ key: `/${canary.mount}/a`, value: 'x' })
  await api.set({ key: `/app/${canary.path}`, value: canary.value })
  await api.set({ key: `/app/${canary.path}`, value: canary.secret, encrypt: true })
  await api.meta({ op: 'set', key: `/app/${canary.path}`, description: canary.description })
  await addUser(home, canary.user, ['operator'])
  const { support } = await api.maintain({ op: 'support' })
  const text = JSON.stringify(support)
  const secrets = { ...canary, password: PASSWORD, admin: home.admin.accountId ?? '' }
  for (const [what, word] of Object.entries(secrets)) {
    expect(text.includes(word), what).toBe(false)
  }
  expect(support).toMatchObject({
    version: '0.0.0-test',
    host: HOST,
    status: { state: 'unsealed', entries: 2, store: 'open', log: 'healthy' },
    accounts: { total: 2, disabled: 0, by_role: { admin: 1, operator: 1 } },
    store: { state: 'open', file_bytes: 4096 },
    limits: { pathBytes: 512, mounts: 1000, historyEvents: 1_000_000 },
  })
  expect(support?.findings[0]).toEqual({ check: 'socket', level: 'fault' })
  expect(support?.findings.at(-1)).toEqual({ check: 'backup', level: 'warning' })
  expect(support?.findings.find(({ check }) => check === 'seal')?.message).toContain('unsealed')
  expect(support?.mounts).toContainEqual({
    dialect: 'registry',
    available: true,
    max_entries: 1,
    max_bytes: 1000,
    entries: 1,
    bytes: expect.any(Number),
  })
  expect(support?.mounts).toContainEqual({ path: '/', dialect: 'registry', available: true })
  expect(support?.policies).toEqual({
    documents: expect.arrayContaining([{ id: 'role-operator', rules: 2 }]),
    homes: 2,
  })
  expect(linesOf(home.files).at(-1)?.body).toMatchObject({ action: 'admin', detail: 'support' })
})

test('needs every right that its parts need by themselves', async () => {
  const home = await start({ host: { findings: async () => [finding('disk', 'ok', 'room')] } })
  for (const role of ['operator', 'auditor', 'user'] as const) {
    const { api } = await addUser(home, `some-${role}`, [role])
    await expect(api.maintain({ op: 'support' })).rejects.toEqual(reason('ACCESS_DENIED'))
  }
  const { support } = await home.api.maintain({ op: 'support' })
  expect(support).not.toHaveProperty('host')
  expect(support?.findings[0]).toEqual({ check: 'disk', level: 'ok', message: 'room' })
})
