/** Backups and restores as operators do them, by commands. */
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createCanary, findCanary } from '@secreg/testkit'
import { expect, test, vi } from 'vitest'
import { PASSPHRASE } from '../lib/site.ts'
import { type Desk, openDesk } from './desk.ts'

vi.setConfig({ testTimeout: 180_000 })

const verify = (file: string): string => `sreg backup verify ${file} --password-stdin < passphrase`

async function fill(desk: Desk): Promise<void> {
  await desk.ok('sreg set /app/db/host localhost')
  await desk.ok('sreg set /app/db/host db.example')
  await desk.ok('printf hunter2 | sreg set /app/db/password - --encrypt')
  await desk.ok('sreg set /app/db/port 5432 --type integer')
  await desk.ok('sreg meta set /app/db/port --description "of the database" --tag db')
  await desk.ok('sreg set /app/web/port 80 --type integer')
}

test('a newcomer backs up, looks at it, verifies it, and is told what would be overwritten', async () => {
  await using desk = await openDesk()
  await fill(desk)
  await desk.transcript(`
    $ sreg backup registry.backup
    ! sreg: backup {hex}: revision {number}, {any}
    $ sreg backup registry.backup
    ! sreg: registry.backup exists already
    ! --force overwrites it
    [5]
    $ sreg backup registry.backup --force
    ! sreg: backup {hex}: revision {number}, {any}
    $ sreg backup info registry.backup
    Backup:      {hex}
    Made:        {time}
    Revision:    {number}
    Generation:  {hex}
    Size:        {any}
    Opens with:  passphrase
    $ ${verify('registry.backup')}
    Backup:    {hex}
    Made:      {time}
    Revision:  {number}
    Size:      {any}
    Entries:   4
    Versions:  5
    Accounts:  1
    Policies:  {number}
    Rows:      {number}
    ! sreg: whole and unchanged
    $ sreg backup status
    Last:      {time}, revision {number}, {any}, client
    Schedule:  off
    $ sreg restore registry.backup
    ! sreg: the whole of a backup replaces accounts, policies and keys too, so it is restored with the daemon stopped
    ! stop it, and run on its host: secregd restore BACKUP; or give --only PATH
    [1]
    $ sreg backup staus
    ! sreg: unknown command "backup staus"; did you mean status?
    ! run: sreg help backup
    [1]
  `)
  const file = desk.path('registry.backup')
  expect((statSync(file).mode & 0o777).toString(8)).toBe('600')
  // Needs no daemon.
  await desk.stop()
  await desk.ok(verify('registry.backup'))
  const shown = JSON.parse(await desk.ok('sreg backup info registry.backup --json'))
  expect(shown).toMatchObject({ protectors: [{ kind: 'passphrase', recovery: false }] })
  await desk.fails(
    'sreg backup other.backup',
    6,
    /no daemon|not reachable|cannot be reached|socket/,
  )
  expect(readdirSync(desk.site.home.path).filter((name) => name.includes('other'))).toEqual([])
})

test('to standard output, whole', async () => {
  await using desk = await openDesk()
  await fill(desk)
  await desk.ok('sreg backup - | cat > piped.backup')
  await desk.ok(verify('piped.backup'))
  // A reader that has enough ends it without a file that looks whole.
  await desk.ok('sreg backup - | head -c 1000 > half.backup')
  await desk.fails(verify('half.backup'), 8, /ends early/)
})

test('each fault has its own reason and says what to do', async () => {
  await using desk = await openDesk()
  await fill(desk)
  const shares = (
    await desk.ok(
      'sreg protector add shares --shares 3 --threshold 2 --password-stdin < passphrase',
    )
  )
    .trim()
    .split('\n')
  const foreign = (
    await desk.ok(
      'sreg protector add shares --shares 3 --threshold 2 --password-stdin < passphrase',
    )
  )
    .trim()
    .split('\n')
  desk.file('key', randomBytes(32))
  await desk.ok('sreg protector add key-file --file key --password-stdin < passphrase')
  await desk.ok('sreg backup good.backup')
  const good = readFileSync(desk.path('good.backup'))
  desk.file('other-key', randomBytes(32))
  chmodSync(desk.path('other-key'), 0o600)
  const bent = (at: number): Buffer => {
    const copy = Buffer.from(good)
    copy[at] = (copy[at] as number) ^ 1
    return copy
  }
  desk.file('header.backup', bent(100))
  desk.file('content.backup', bent(good.length - 3000))
  desk.file('short.backup', good.subarray(0, good.length - 100))
  desk.file('long.backup', Buffer.concat([good, Buffer.from('x')]))
  desk.file('empty.backup', '')
  desk.file('export.backup', '{"format":"secreg-export","version":1}\n')
  desk.file('wrong', 'a wrong passphrase\n')
  desk.file('one-share', `${shares[0]}\n`)
  desk.file('mixed-shares', `${shares[0]}\n${foreign[0]}\n`)
  desk.file('bad-share', `${shares[0]}\n${shares[1]?.slice(0, -4)}\n`)
  desk.file('shares', `${shares[2]}\n${shares[0]}\n`)
  const faults: [string, number, string][] = [
    ['good.backup --password-stdin < wrong', 4, 'UNLOCK_FAILED'],
    ['good.backup --key-file other-key', 4, 'UNLOCK_FAILED'],
    ['good.backup --share --password-stdin < one-share', 6, 'SHARES_MISSING'],
    ['good.backup --share --password-stdin < mixed-shares', 4, 'SHARE_FOREIGN'],
    ['good.backup --share --password-stdin < bad-share', 1, 'SHARE_INVALID'],
    ['header.backup --password-stdin < passphrase', 8, 'BACKUP_DAMAGED'],
    ['content.backup --password-stdin < passphrase', 8, 'BACKUP_DAMAGED'],
    ['long.backup --password-stdin < passphrase', 8, 'BACKUP_DAMAGED'],
    ['short.backup --password-stdin < passphrase', 8, 'BACKUP_TRUNCATED'],
    ['empty.backup --password-stdin < passphrase', 8, 'BACKUP_TRUNCATED'],
    ['export.backup --password-stdin < passphrase', 1, 'BACKUP_INVALID'],
    ['missing.backup --password-stdin < passphrase', 2, 'NOT_FOUND'],
    ['. --password-stdin < passphrase', 1, 'INVALID_ARGUMENT'],
    ['good.backup < passphrase', 1, 'INVALID_ARGUMENT'],
    ['good.backup --key-file key --share', 1, 'INVALID_ARGUMENT'],
  ]
  for (const command of ['backup verify', 'restore --only /app']) {
    for (const [words, code, reason] of faults) {
      const line = `sreg ${command} --json ${words}`
      const { stdout, stderr, code: got } = await desk.sh(line)
      expect({ stdout, code: got }, `${line}\n${stderr}`).toEqual({ stdout: '', code })
      const told = JSON.parse(stderr)
      expect(told, line).toMatchObject({ reason })
      if (!['NOT_FOUND', 'INVALID_ARGUMENT'].includes(reason)) {
        expect(told.hint, line).toMatch(/\w{3}/)
      }
    }
  }
  for (const proof of [
    '--password-stdin < passphrase',
    '--share --password-stdin < shares',
    '--key-file key',
  ]) {
    await desk.ok(`sreg backup verify good.backup ${proof}`)
    await desk.ok(`sreg restore good.backup --only /app --dry-run ${proof}`)
  }
  expect(await desk.ok('sreg backup info good.backup')).toContain('2 of 3 shares')
  // Nothing of it was carried out.
  expect((await desk.ok('sreg history /app/db/host --json')).match(/"version"/g)).toHaveLength(2)
})

test('what cannot be a backup is left alone', async () => {
  await using desk = await openDesk()
  desk.file('precious', 'precious')
  symlinkSync(desk.path('precious'), desk.path('link'))
  await desk.fails('sreg backup link --force', 1, /symbolic link/)
  await desk.fails('sreg backup . --force', 1, /not a regular file/)
  await desk.fails('sreg backup /dev/null --force', 1, /not a regular file/)
  await desk.fails('sreg backup nowhere/x', 2, /does not exist/)
  await desk.fails('sreg backup precious', 5, /exists already/)
  expect(readFileSync(desk.path('precious'), 'utf8')).toBe('precious')
})

test('restore --only brings a subtree back, and shows it before', async () => {
  await using desk = await openDesk()
  await fill(desk)
  await desk.ok('sreg backup registry.backup')
  await desk.ok('sreg set /app/db/host elsewhere')
  await desk.ok('sreg purge /app/db/password --yes')
  await desk.ok('sreg set /app/db/new "only now"')
  await desk.ok('sreg set /app/web/port 8080 --type integer')
  await desk.transcript(`
    $ sreg restore registry.backup --only /app/db --dry-run --password-stdin < passphrase
    Change  Type               Key
    update  string             /app/db/host
    create  string, encrypted  /app/db/password
    ! sreg: from {time}: 2 would change, 1 would stay; nothing was changed
    $ sreg get /app/db/host
    elsewhere
    $ sreg restore registry.backup --only /app/db --password-stdin < passphrase
    ! sreg: from {time}: 1 created, 1 updated, 1 unchanged
    $ sreg get /app/db/host
    db.example
    $ sreg get /app/db/password --decrypt
    hunter2
    $ sreg get /app/db/new
    only now
    $ sreg get /app/web/port
    8080
    $ sreg restore registry.backup --only /app/db --password-stdin < passphrase
    ! sreg: from {time}: 0 created, 0 updated, 3 unchanged
    $ sreg restore registry.backup --only /nothing --password-stdin < passphrase
    ! sreg: the backup holds no entry at or below /nothing
    ! "sreg backup verify FILE" tells what it holds; take a path further up
    [2]
  `)
  expect(await desk.ok('sreg audit --action restore --json')).toContain('/app/db/password')
})

test('restore --only into another registry, with other keys and other rules', async () => {
  await using desk = await openDesk()
  await fill(desk)
  await desk.ok('sreg backup registry.backup')
  await using other = await openDesk({ config: 'encrypt_prefixes = ["/app/db"]' })
  copyFileSync(desk.path('registry.backup'), other.path('registry.backup'))
  // Another passphrase than its own opens it: that of the registry it comes from.
  other.file('passphrase-there', `${PASSPHRASE}\n`)
  await other.ok('sreg restore registry.backup --only /app --password-stdin < passphrase-there')
  expect(await other.ok('sreg list / --recursive')).toBe(
    '/app/db/host\n/app/db/password\n/app/db/port\n/app/web/port\n',
  )
  expect(await other.ok('sreg get /app/db/host')).toBe('')
  expect(await other.ok('sreg get /app/db/host --decrypt')).toBe('db.example\n')
  expect(await other.ok('sreg get /app/db/password --decrypt')).toBe('hunter2\n')
  expect(await other.ok('sreg meta get /app/db/port')).toContain('of the database')
  await desk.stop()
  await other.ok('sreg set /app/web/port 1 --type integer')
  await other.ok('sreg restore registry.backup --only /app --password-stdin < passphrase')
  expect(await other.ok('sreg get /app/web/port')).toBe('80\n')
})

test('no secret, key or passphrase in the clear in a backup, beside the store, or in the log', async () => {
  await using desk = await openDesk()
  const [sealed, plain, path] = [
    createCanary('sealed'),
    createCanary('plain'),
    createCanary('path'),
  ]
  desk.file('sealed', sealed)
  await desk.ok(`sreg set /app/${path} @sealed --encrypt`)
  await desk.ok(`sreg set /app/plain ${plain}`)
  await desk.ok('rm sealed; sreg backup registry.backup')
  await desk.ok(`sreg purge /app/${path} --yes`)
  await desk.ok('sreg restore registry.backup --only /app --password-stdin < passphrase')
  expect(await desk.ok(`sreg get /app/${path} --decrypt`)).toBe(`${sealed}\n`)
  for (const word of [sealed, plain, path, PASSPHRASE]) {
    expect(readFileSync(desk.path('registry.backup')).includes(word)).toBe(false)
    expect(desk.daemon?.stderr()).not.toContain(word)
  }
  expect(findCanary(sealed, desk.site.data, desk.site.audit)).toEqual([])
  expect(findCanary(plain, desk.site.audit)).toEqual([])
  for (const path of [desk.site.home.path, desk.site.data]) {
    expect(readdirSync(path).filter((name) => name.includes('incoming'))).toEqual([])
  }
  writeFileSync(desk.path('done'), '')
})
