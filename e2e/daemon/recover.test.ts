/** `secregd recover`: break-glass under a protector, on the host, recorded. */
import { runNode } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { ADMIN, PASSPHRASE, SECREGD, Site, startSite } from '../lib/site.ts'
import { Wire } from '../lib/wire.ts'

const NEW_PASSWORD = 'Break-the-Glass-1'

test('an administrator is made while the daemon is stopped, and its record is there at the next start', async () => {
  await using started = await startSite()
  const { site, daemon, admin } = started
  await admin.ok('set', { key: '/app/secret', value: 'hidden', encrypt: true })
  const recover = (input: string, ...more: string[]) =>
    runNode(SECREGD, ['recover', 'rescue', '--config', site.config, '--password-stdin', ...more], {
      input,
    })

  const running = await recover(`${PASSPHRASE}\n${NEW_PASSWORD}\n`)
  expect(running).toMatchObject({ code: 7, stdout: '' })
  expect(running.stderr).toMatch(/another process has this store open/)
  admin.close()
  await daemon.kill('SIGTERM')

  const wrong = await recover(`not the passphrase\n${NEW_PASSWORD}\n`)
  expect(wrong).toMatchObject({ code: 4, stdout: '' })
  const short = await recover(`${PASSPHRASE}\nshort\n`)
  expect(short).toMatchObject({ code: 1, stdout: '' })
  const done = await recover(`${PASSPHRASE}\n${NEW_PASSWORD}\n`)
  expect(done).toMatchObject({ code: 0, stderr: '' })
  expect(done.stdout).toMatch(/^administrator rescue was made; /)
  for (const { stdout, stderr } of [running, wrong, short, done]) {
    expect(stdout + stderr).not.toContain(NEW_PASSWORD)
    expect(stdout + stderr).not.toContain(PASSPHRASE)
  }

  await site.start()
  const rescue = await Wire.open(site.socket)
  await rescue.ok('seal', { op: 'unlock', passphrase: PASSPHRASE })
  await rescue.login('rescue', NEW_PASSWORD)
  expect(await rescue.ok('get', { key: '/app/secret', decrypt: true })).toMatchObject({
    value: 'hidden',
  })
  const { records } = await rescue.ok('audit', { action: 'recover' })
  expect(records).toMatchObject([
    { outcome: 'ok', detail: 'administrator rescue' },
    { outcome: 'failed', reason: 'PASSWORD_POLICY' },
  ])
  const { records: unlocks } = await rescue.ok('audit', { action: 'unlock', failed: true })
  expect(unlocks).toMatchObject([{ outcome: 'denied', actor: { address: 'secregd recover' } }])
  const { users } = await rescue.ok('user', { op: 'list' })
  expect(users).toMatchObject([{ user: 'rescue' }, { user: ADMIN }])
  rescue.close()
})

test('asks on a terminal only, and makes nothing where there is no registry', async () => {
  await using site = new Site()
  const piped = await runNode(SECREGD, ['recover', 'rescue', '--config', site.config])
  expect(piped.code).toBe(6)
  expect(piped.stderr).toMatch(/not initialised/)
})
