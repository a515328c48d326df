/** Quotas, compaction, doctor and support bundle, as an operator meets them, through built programs. */
import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createCanary } from '@secreg/testkit'
import { describe, expect, test, vi } from 'vitest'
import { ADMIN, PASSPHRASE, PASSWORD } from '../lib/site.ts'
import { Desk, openDesk } from './desk.ts'

// Each command line is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000 })

interface Finding {
  readonly check: string
  readonly level: string
  readonly message: string
  readonly advice?: string
}

async function doctor(desk: Desk, prefix = ''): Promise<{ code: number | null; all: Finding[] }> {
  const { code, stdout } = await desk.sh(`${prefix} sreg doctor --json`)
  const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: Finding[] }
  expect(code).toBe(ok ? 0 : 6)
  return { code, all: findings }
}

const one = (all: readonly Finding[], check: string): Finding | undefined =>
  all.find((finding) => finding.check === check)

test('a quota: set, shown, used up, made room for, kept over a restart', async () => {
  await using desk = await openDesk()
  desk.file('big', Buffer.alloc(110_000))
  await desk.transcript(`
    $ sreg mount set /team registry --max-entries 2 --max-bytes 100K
    $ sreg set /team/a one
    $ sreg set /team/b two
    $ sreg set /team/c three
    ! sreg: the quota of /team is used up: at most 2 entries
    ! purge what is not needed, or have the quota raised; "sreg mount list" shows it
    [6]
    $ sreg set /team/a again
    $ sreg mount list
    Path      Dialect   Rules
    /         registry
    /libvirt  libvirt
    /setec    setec
    /team     registry  2 of 2 entries, {any} B of 100.00 KB
    $ sreg set /team/a @big --type bytes
    ! sreg: the quota of /team is used up: at most 102400 bytes
    ! purge what is not needed, or have the quota raised; "sreg mount list" shows it
    [6]
    $ sreg delete /team/a
    $ sreg set /team/c three
    ! sreg: the quota of /team is used up: at most 2 entries
    ! purge what is not needed, or have the quota raised; "sreg mount list" shows it
    [6]
    $ sreg purge /team/a --yes
    $ sreg set /team/c three
  `)
  const before = await desk.ok('sreg mount list --json')
  await desk.stop()
  await desk.start()
  await desk.ok('sreg unlock --password-stdin < passphrase')
  await desk.ok('sreg login "$ADMIN" --password-stdin < password')
  expect(await desk.ok('sreg mount list --json')).toBe(before)
})

test('compact gives the room of overwritten values back', async () => {
  await using desk = await openDesk()
  for (let at = 0; at < 24; at++) {
    writeFileSync(desk.path('value'), Buffer.alloc(500_000, at))
    await desk.ok('sreg set /app/large @value --type bytes')
  }
  const { compaction } = JSON.parse(await desk.ok('sreg compact --json')) as {
    compaction: { done: boolean; bytes_before: number; bytes_after: number }
  }
  expect(compaction.done).toBe(true)
  // Of 24 versions, 10 are kept.
  expect(compaction.bytes_before).toBeGreaterThan(5_000_000)
  expect(compaction.bytes_after).toBeGreaterThan(5_000_000)
  expect(compaction.bytes_after).toBeLessThan(6_000_000)
  await desk.transcript(`
    $ sreg compact
    Before:  {any}
    After:   {any}
    Took:    {any}
  `)
})

describe('doctor', () => {
  test('a sound installation, then what is wrong with it', async () => {
    await using desk = await openDesk()
    const { code, all } = await doctor(desk)
    // How full the disk of the machine is, is not a matter of this test.
    const faults = all.filter(({ level }) => level === 'fault')
    expect(faults.filter(({ check }) => !check.startsWith('disk '))).toEqual([])
    expect(code).toBe(faults.length === 0 ? 0 : 6)
    for (const check of ['database', 'audit', 'socket', 'seal', 'store', 'audit log', 'clock']) {
      expect(one(all, check), check).toMatchObject({ level: 'ok' })
    }
    expect(one(all, 'disk of the store')?.message).toMatch(/MiB of \d+ MiB free/)
    expect(one(all, 'backup')).toMatchObject({ level: 'warning' })
    expect(one(all, 'protectors')).toMatchObject({ level: 'warning' })
    expect(one(all, 'config')?.message).toContain('scrypt_log_n is 15')
    chmodSync(desk.site.data, 0o755)
    chmodSync(desk.site.socket, 0o666)
    const worse = await doctor(desk)
    expect(one(worse.all, 'database')).toMatchObject({
      level: 'fault',
      advice: expect.stringContaining('chmod'),
    })
    expect(one(worse.all, 'socket')).toMatchObject({ level: 'fault' })
    expect(worse.code).toBe(6)
    const shown = await desk.sh('sreg doctor')
    expect(shown.stdout).toMatch(/^Level +Check +Finding\n/)
    expect(shown.stdout).toMatch(/\nfault +database +not private/)
  })

  test('from outside: no login, no daemon yet, a killed one, no permission', async () => {
    await using desk = new Desk()
    const before = await doctor(desk)
    expect(before).toMatchObject({ code: 6, all: [{ check: 'socket', level: 'fault' }] })
    await desk.start()
    const stranger = await doctor(desk)
    expect(stranger.all.map(({ check, level }) => `${check} ${level}`)).toEqual([
      'socket ok',
      'daemon warning',
      'login warning',
    ])
    expect(one(stranger.all, 'daemon')?.advice).toBe('run: sreg init')
    await desk.ok('sreg init --admin "$ADMIN" --password-stdin < secrets')
    expect(one((await doctor(desk)).all, 'daemon')).toMatchObject({ level: 'ok' })
    await desk.ok('sreg login "$ADMIN" --password-stdin < password')
    expect((await doctor(desk)).all.length).toBeGreaterThan(10)
    await desk.daemon?.kill('SIGKILL')
    const dead = await doctor(desk)
    expect(one(dead.all, 'daemon')).toMatchObject({
      level: 'fault',
      message: expect.stringContaining('stale'),
      advice: expect.stringContaining('systemctl start secregd'),
    })
  })
})

test('a support bundle holds no secret, value, path, name or passphrase', async () => {
  const canary = {
    value: createCanary('value'),
    secret: createCanary('secret'),
    path: createCanary('path'),
    mount: createCanary('mount'),
    description: createCanary('text'),
    prefix: createCanary('prefix'),
    user: createCanary('user').slice(0, 32),
  }
  await using desk = await openDesk({ config: `encrypt_prefixes = ["/${canary.prefix}"]` })
  desk.file('user', 'Battery-Staple-9\n')
  await desk.ok(`sreg user add ${canary.user} --roles operator --password-stdin < user`)
  await desk.ok(`sreg mount set /${canary.mount} registry --max-entries 1`)
  await desk.ok(`sreg set /${canary.mount}/a x`)
  await desk.ok(`sreg set /app/${canary.path} ${canary.value}`)
  await desk.ok(`sreg set /app/${canary.path} ${canary.secret} --encrypt`)
  await desk.ok(`sreg meta set /app/${canary.path} --description ${canary.description}`)
  await desk.fails('sreg support-bundle', 1, /--output/)
  const written = await desk.sh('sreg support-bundle --output bundle.json')
  expect(written).toMatchObject({ code: 0, stdout: '' })
  expect(written.stderr).toContain('look at it before you send it')
  const file = desk.path('bundle.json')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const text = readFileSync(file, 'utf8')
  const secrets = { ...canary, ADMIN, PASSWORD, PASSPHRASE, home: desk.site.home.path }
  for (const [what, word] of Object.entries(secrets)) {
    expect(text.includes(word), what).toBe(false)
  }
  const { hostname } = await import('node:os')
  if (hostname().length >= 8) expect(text).not.toContain(hostname())
  const document = JSON.parse(text) as { secregd: Record<string, unknown> }
  expect(document).toMatchObject({
    format: 'secreg-support',
    version: 1,
    secregd: {
      host: {
        node: process.version,
        configuration: { 'security.encrypt_prefixes': '1 given', 'database.path': 'given' },
        connections: expect.any(Number),
        event_loop: { utilization: expect.any(Number) },
        faults: [],
      },
      accounts: { total: 2, by_role: { admin: 1, operator: 1 } },
      store: { state: 'open', file_bytes: expect.any(Number) },
    },
  })
  expect(JSON.stringify(document.secregd['mounts'])).toContain('"max_entries":1')
  await desk.ok(`XDG_RUNTIME_DIR="$PWD/other" sreg login ${canary.user} --password-stdin < user`)
  rmSync(file)
  await desk.fails('XDG_RUNTIME_DIR="$PWD/other" sreg support-bundle --output bundle.json', 3, /./)
  await desk.fails('XDG_RUNTIME_DIR="$PWD/other" sreg compact', 3, /./)
  const { all } = await doctor(desk, 'XDG_RUNTIME_DIR="$PWD/other"')
  expect(one(all, 'login')?.message).toContain('may not look')
})

test('metrics: what Prometheus reads, for who may ask', async () => {
  await using desk = new Desk()
  await desk.open()
  await desk.ok('sreg set /app/a 1')
  const { stdout } = await desk.sh('sreg metrics')
  expect(stdout).toMatch(/^secreg_unsealed 1$/m)
  expect(stdout).toMatch(/^secreg_entries 1$/m)
  expect(stdout).toMatch(/^secreg_connections [1-9]/m)
  expect(stdout).toMatch(/^secreg_event_loop_delay_seconds\{quantile="0.99"\} /m)
  expect(stdout).not.toMatch(/^secreg_last_backup_timestamp_seconds/m)
  await desk.ok('sreg backup it.backup')
  expect((await desk.sh('sreg metrics')).stdout).toMatch(
    /^secreg_last_backup_timestamp_seconds [0-9.e+]+$/m,
  )
  await desk.ok('sreg logout')
  const refused = await desk.sh('sreg metrics')
  expect(refused).toMatchObject({ code: 4, stdout: '' })
})
