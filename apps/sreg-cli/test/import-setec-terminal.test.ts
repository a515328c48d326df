import { startSetecServer } from '@secreg/setec/testing'
import { afterAll, expect, test } from 'vitest'
import { build, onTerminal } from './built.ts'
import { makeWorld } from './harness.ts'

const built = build()
afterAll(() => built.remove())

test('no other command loads what it needs', () => {
  expect(built.commandFiles()).toContain('src/commands/import.ts')
  expect(built.commandFiles()).not.toContain('packages/setec/src/client')
  expect(built.commandFiles()).not.toContain('src/import/setec/')
  expect(built.commandFiles()).not.toContain('packages/libvirt/src/node')
  expect(built.commandFiles()).not.toContain('src/import/libvirt/')
})

test('on a terminal: an address with a credential is asked for without echo, and progress is shown', async (context) => {
  const { registry, env } = await makeWorld()
  await using server = await startSetecServer({
    callers: { 'token-of-worth': [{ action: ['info', 'get'], secret: ['*'] }] },
  })
  for (let version = 1; version <= 30; version++) {
    await server.db.createVersion('a', version, `v${version}`)
  }
  const shown = await onTerminal(context, [built.main, 'import', '-', '--format', 'setec'], env, [
    { expect: 'Address of the server: ', send: `${server.urlFor('token-of-worth')}\n` },
  ])
  expect(shown.code).toBe(0)
  expect(shown.screen).toContain('importing [')
  expect(shown.screen).toContain('30 versions imported, 0 unchanged')
  expect(shown.screen).not.toContain('token-of-worth')
  expect(registry.entries.get('/setec/a')).toMatchObject({ version: 30 })
})
