/** No secret where it does not belong: files, arguments, environment, log. */
import { mkdirSync, readFileSync } from 'node:fs'
import { cleanEnv, createCanary, findCanary, waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { ADMIN, Site } from '../lib/site.ts'
import { Wire } from '../lib/wire.ts'

/** A text that the password policy takes, and that is found again. */
const secret = (name: string): string => `${createCanary(name)}-X`

test('weakness 32: no password, passphrase, session, key or plaintext in any file, argument, environment or log line', async () => {
  await using site = new Site({ config: 'encrypt_prefixes = ["/forced"]\n[log]\nlevel = "trace"' })
  const tmp = site.home.file('tmp')
  mkdirSync(tmp, { mode: 0o700 })
  const env = cleanEnv({ TMPDIR: tmp })
  const secrets = {
    passphrase: secret('passphrase'),
    'wrong passphrase': secret('wrong'),
    password: secret('sesame'),
    'wrong password': secret('wrong'),
    "a user's password": secret('sesame'),
    'his next password': secret('sesame'),
    'encrypted value': secret('value'),
    'value of a forced subtree': secret('value'),
    'older version': secret('value'),
    'imported value': secret('value'),
    'value of a wrong type': secret('value'),
    'value in a broken payload': secret('value'),
    'value in a broken frame': secret('value'),
  }
  /** Plain values are in the store, but nowhere else. */
  const plain = secret('plain')

  const daemon = await site.start({ env })
  using wire = await Wire.open(site.socket)
  const init = {
    op: 'init',
    passphrase: secrets.passphrase,
    admin: ADMIN,
    admin_password: secrets.password,
  }
  await wire.ok('seal', init)
  await wire.ask('auth', { username: ADMIN, password: secrets['wrong password'] })
  await wire.login(ADMIN, secrets.password)
  await wire.ok('set', { key: '/s', value: secrets['older version'], encrypt: true })
  await wire.ok('set', { key: '/s', value: secrets['encrypted value'], encrypt: true })
  await wire.ok('set', { key: '/forced/s', value: secrets['value of a forced subtree'] })
  await wire.ok('set', { key: '/plain', value: plain })
  expect(await wire.ok('get', { key: '/s', decrypt: true })).toMatchObject({
    value: secrets['encrypted value'],
  })
  const { import: id } = await wire.ok('import', { op: 'begin' })
  const entries = [{ key: '/i', value: secrets['imported value'], encrypt: true }]
  await wire.ok('import', { op: 'stage', import: id, entries })
  await wire.ok('import', { op: 'commit', import: id })
  await wire.ok('export', { prefix: '/', with_secrets: true })
  await wire.refused('set', { key: '/t', value: secrets['value of a wrong type'], type: 'integer' })
  await wire.refused('set', {
    key: '/t',
    value: 'x',
    type: secrets['value of a wrong type'].slice(0, 16),
  })
  await wire.refused('set', `{"key":"/t","value":"${secrets['value in a broken payload']}`)
  await wire.refused('get', { key: 7, value: secrets['value in a broken payload'] })
  await wire.ok('user', { op: 'add', user: 'eve', password: secrets["a user's password"] })
  using eve = await Wire.login(site.socket, 'eve', secrets["a user's password"])
  const next = {
    old_password: secrets["a user's password"],
    new_password: secrets['his next password'],
  }
  await eve.ok('password', next)
  await wire.ok('delete', { key: '/i' })
  using broken = await Wire.open(site.socket)
  broken.socket.write(secrets['value in a broken frame'])
  await broken.closed
  await wire.ok('security', { op: 'check' })

  const all = { ...secrets, session: wire.session, "a user's session": eve.session }
  const lookAtProcess = (pid: number): void => {
    for (const name of ['cmdline', 'environ']) {
      const text = readFileSync(`/proc/${pid}/${name}`, 'latin1')
      for (const [what, canary] of Object.entries({ ...all, plain })) {
        expect(text.includes(canary), `${what} in ${name}`).toBe(false)
      }
    }
  }
  const lookAtFiles = (): void => {
    for (const [what, canary] of Object.entries(all)) {
      expect(findCanary(canary, site.home.path), what).toEqual([])
    }
    expect(findCanary(plain, site.audit, tmp), 'plain value').toEqual([])
    // The search itself works: what may be in the store is found there.
    expect(findCanary(plain, site.data).length).toBeGreaterThan(0)
  }
  lookAtProcess(daemon.pid)
  lookAtFiles()

  await daemon.kill('SIGTERM')
  lookAtFiles()
  const sealed = await site.start({ env })
  using again = await Wire.open(site.socket)
  await again.refused('seal', { op: 'unlock', passphrase: secrets['wrong passphrase'] })
  await again.ok('seal', { op: 'unlock', passphrase: secrets.passphrase })
  await again.login(ADMIN, secrets.password)
  await again.ok('get', { key: '/s', decrypt: true })
  lookAtProcess(sealed.pid)
  sealed.signal('SIGHUP')
  await waitFor(() => sealed.stderr().includes('reloaded'))
  lookAtFiles()
  await sealed.kill('SIGKILL')
  lookAtFiles()
  for (const [what, canary] of Object.entries({ ...all, plain, 'later session': again.session })) {
    expect(
      daemon.stderr() + daemon.stdout() + sealed.stderr() + sealed.stdout(),
      what,
    ).not.toContain(canary)
  }
})
