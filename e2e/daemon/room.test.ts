/** The disk of the audit log gets full, step by step, and has room again: a real daemon on a small file system. */
import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { ADMIN, PASSPHRASE, PASSWORD, readLog, Site } from '../lib/site.ts'
import { mountSmallDisk } from '../lib/small-disk.ts'
import { Wire } from '../lib/wire.ts'

const MIB = 1024 * 1024

test('warned, then strangers are refused, then everybody; and back again', async (context) => {
  await using site = new Site({
    audit: `free_warning = ${16 * MIB}\nfree_low = ${12 * MIB}\nfree_least = ${8 * MIB}`,
  })
  await using small = await mountSmallDisk(context, site, { part: 'audit', mib: 32 })
  const { path: disk, moved: audit } = small
  const daemon = await site.start()
  using admin = await site.initialize()
  using stranger = await Wire.open(site.socket)
  await admin.ok('set', { key: '/a', value: 'x' })
  const filling = `${disk}/filling`
  const leave = (bytes: number): void => {
    rmSync(filling, { force: true })
    const { bavail, bsize } = statfsSync(disk)
    writeFileSync(filling, Buffer.alloc(bavail * bsize - bytes, 1))
  }
  const isWarned = (words: string): Promise<boolean> =>
    waitFor(async () => (await admin.ok('status', {})).warnings?.[0].includes(words))
  const lines = () => readLog(audit).lines
  const login = { username: ADMIN, password: PASSWORD }

  leave(14 * MIB)
  await isWarned('make room')
  expect((await stranger.ask('auth', login)).body).toMatchObject({ success: true })

  leave(10 * MIB)
  await isWarned('logins are refused')
  const before = lines().length
  for (let i = 0; i < 200; i++) {
    expect(await stranger.refused('auth', login)).toMatchObject({ reason: 'BUSY' })
    expect(await stranger.refused('get', { key: '/a' })).toMatchObject({ reason: 'BUSY' })
  }
  stranger.session = 'f'.repeat(32)
  expect(await stranger.refused('get', { key: '/a' })).toMatchObject({ reason: 'BUSY' })
  stranger.session = ''
  const refused = () =>
    lines()
      .slice(before)
      .filter(({ body }) => body.reason === 'BUSY')
  const counted = () =>
    refused().reduce((sum, { body }) => sum + ((body as { count?: number }).count ?? 0), 0)
  await waitFor(() => counted() === 401)
  expect(refused().length).toBeLessThan(10)
  expect(await admin.ok('get', { key: '/a' })).toMatchObject({ value: 'x' })
  await admin.ok('set', { key: '/a', value: 'y' })
  await admin.ok('seal', { op: 'lock' })
  await stranger.ok('seal', { op: 'unlock', passphrase: PASSPHRASE })
  expect(await stranger.refused('auth', login)).toMatchObject({ reason: 'BUSY' })

  leave(4 * MIB)
  // The lock has ended all sessions, and no other can begin.
  using shut = await Wire.open(site.socket)
  await waitFor(
    async () =>
      (await shut.ask('seal', { op: 'unlock', passphrase: 'x' })).body.reason === 'AUDIT_FAILED',
  )
  const quiet = lines().length
  for (let i = 0; i < 100; i++) {
    for (const kind of ['auth', 'get', 'set', 'whoami', 'logout', 'seal'] as const) {
      const payload = kind === 'seal' ? { op: 'lock' } : { ...login, key: '/a', value: 'z' }
      expect(await shut.refused(kind, payload)).toMatchObject({
        reason: 'AUDIT_FAILED',
        name: 'DatabaseError',
      })
    }
  }
  expect(await shut.ok('status', {})).toMatchObject({ state: 'unsealed' })
  expect(lines()).toHaveLength(quiet)

  rmSync(filling)
  await waitFor(async () => (await shut.ask('auth', login)).body.success === true)
  using again = await site.admin()
  expect(await again.ok('get', { key: '/a' })).toMatchObject({ value: 'y' })
  await again.ok('set', { key: '/a', value: 'z' })
  const levels = daemon.stderr().match(/"event":"the disk of the audit log [^"]*"/g)
  expect(levels?.length).toBeGreaterThanOrEqual(4)
  expect((await again.ok('security', { op: 'audit' })).ok).toBe(true)
})
