/** Zones of the configuration file in a daemon: when they hold, over a real socket. */
import type { RegistryConnection } from '@secreg/client'
import { waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { ADMIN, PASSPHRASE, PASSWORD, runDaemon } from './running-daemon.ts'

const ON = '[zones.mail]\nallow_tokens = true\nmax_temp_validity = 60\n[zones."a.b"]\ndesc = "b"\n'
const LESS = '[zones.mail]\nmax_temp_validity = 60\n'

const zonesOf = async (connection: RegistryConnection) =>
  ((await connection.zone({ op: 'list' })).zones ?? []).map(
    ({ allow_tokens, configured, description, max_temp_validity_s, zone }) =>
      [zone, allow_tokens, max_temp_validity_s, description, configured] as const,
  )

test('they hold once it is initialised, reloaded, or unlocked', async () => {
  const running = await runDaemon(ON)
  const admin = await running.initialize()
  expect(await zonesOf(admin)).toEqual([
    ['a.b', false, 0, 'b', true],
    ['mail', true, 60, '', true],
  ])

  await running.daemon.configure(running.configOf(LESS))
  const less = [
    ['a.b', false, 0, 'b', undefined],
    ['mail', false, 60, '', true],
  ]
  expect(await zonesOf(admin)).toEqual(less)

  await admin.seal({ op: 'lock' })
  await running.daemon.configure(running.configOf(ON))
  await admin.seal({ op: 'unlock', passphrase: PASSPHRASE })
  await admin.auth({ username: ADMIN, password: PASSWORD })
  expect(await zonesOf(admin)).toEqual([
    ['a.b', false, 0, 'b', true],
    ['mail', true, 60, '', true],
  ])
  const told = running.lines.filter(({ event }) => event.includes('as configured'))
  expect(told.map(({ event, level }) => [event, level])).toEqual(
    Array.from({ length: 3 }, () => ['zones are as configured', expect.anything()]),
  )
})

test('what cannot be brought in line is logged, and the daemon goes on', async () => {
  const running = await runDaemon(ON)
  const { registry } = running.daemon.host
  const admin = await running.initialize()
  const { applyZones } = registry
  registry.applyZones = () => Promise.reject(new Error('a disk that is gone'))
  await running.daemon.configure(running.configOf(LESS))
  await waitFor(() => running.lines.some(({ event }) => event === 'zones are not as configured'))
  expect(JSON.stringify(running.lines)).not.toContain('a disk that is gone')
  expect((await zonesOf(admin)).map(([name, tokens]) => [name, tokens])).toContainEqual([
    'mail',
    true,
  ])
  registry.applyZones = applyZones
  await running.daemon.configure(running.configOf(LESS))
  expect((await zonesOf(admin)).map(([name, tokens]) => [name, tokens])).toContainEqual([
    'mail',
    false,
  ])
})
