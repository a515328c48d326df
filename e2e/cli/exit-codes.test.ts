/** The documented exit codes, each through the program; readers that leave, outputs that are full. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { skipTest } from '@secreg/testkit'
import { expect, test, vi } from 'vitest'
import { openDesk } from './desk.ts'

// Each command line is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000 })

test('every documented exit code, from 0 to 8', async () => {
  await using desk = await openDesk({ config: 'rate_limit_attempts = 3' })
  desk.file('user', 'Battery-Staple-9\n')
  await desk.ok('sreg user add carol --roles user --password-stdin < user')
  await desk.ok('sreg export --encrypt --output sealed --password-stdin < passphrase')
  const carol = 'XDG_RUNTIME_DIR="$PWD/carol"'
  await desk.ok(`${carol} sreg login carol --password-stdin < user`)
  await desk.transcript(`
    $ sreg set /a 1
    $ sreg set /a x --type integer
    ! sreg: {any}
    [1]
    $ sreg get /nothing
    ! sreg: no such key
    ! run: sreg list / --recursive
    [2]
    $ ${carol} sreg get /a
    ! sreg: permission denied
    ! "sreg policy explain" says why; ask an administrator
    [3]
    $ ${carol} sreg get /nothing
    ! sreg: permission denied
    ! "sreg policy explain" says why; ask an administrator
    [3]
    $ ${carol} sreg login carol --password-stdin < password
    ! sreg: {any}
    ! check the name and the password
    [4]
    $ ${carol} sreg login nobody --password-stdin < password
    ! sreg: {any}
    ! check the name and the password
    [4]
    $ sreg user add carol --password-stdin < user
    ! sreg: {any}
    ! choose another name, or see: sreg user show NAME
    [5]
    $ sreg delete /
    ! sreg: {lines}
    [1]
    $ sreg set /b/c 1
    $ sreg delete /b
    ! sreg: {any}
    ! --recursive deletes everything below it
    [6]
    $ sreg import sealed --decrypt --password-stdin < password
    ! sreg: the passphrase does not fit this export
    ! check the passphrase
    [8]
  `)
  // 7: somebody has edited the log.
  const segment = `${desk.site.audit}/${readdirSync(desk.site.audit).find((name) => name.endsWith('.jsonl'))}`
  writeFileSync(segment, readFileSync(segment, 'utf8').replace('carol', 'karol'))
  const verified = await desk.sh('sreg security audit')
  expect(verified.code).toBe(7)
  expect(verified.stdout).toMatch(/^Level +Check +Finding\n.*record \d+/)
  // Failures one after the other lock; the answer says for how long.
  for (let i = 0; i < 2; i++) await desk.sh('sreg login carol --password-stdin < password')
  await desk.fails('sreg login carol --password-stdin < user', 4, /\n {2}try again in \d+ s\n$/)
})

test('a reader that has seen enough is no failure, and gets no message', async () => {
  await using desk = await openDesk()
  desk.file(
    'many.json',
    JSON.stringify(
      Object.fromEntries(
        Array.from({ length: 7000 }, (_, i) => [`a-rather-long-name-of-a-key-${i}`, 'x']),
      ),
    ),
  )
  await desk.ok('sreg import many.json --format json --prefix /a/long/path')
  for (const command of ['list /a --recursive', 'export', 'list /a --recursive --json', 'audit']) {
    const result = await desk.sh(
      `{ sreg ${command} 2>err; echo $? >code; } | head -c 10 >/dev/null; cat code err`,
    )
    expect(result.stdout, command).toBe('0\n')
  }
})

test('an output that cannot be written is a failure', async (context) => {
  if (!existsSync('/dev/full')) skipTest(context, 'no /dev/full')
  await using desk = await openDesk()
  await desk.ok('sreg set /a 1')
  for (const command of ['get /a', 'export', 'status', 'help', 'completion bash']) {
    const { code, stderr } = await desk.sh(`sreg ${command} > /dev/full`)
    expect(code, command).toBe(7)
    expect(stderr, command).toMatch(/^sreg: the output cannot be written \(ENOSPC\)\n/)
  }
  await desk.fails('sreg export --output /dev/full', 1, /\/dev\/full is not a regular file/)
})

test('a session file that others can read or write is refused', async () => {
  await using desk = await openDesk()
  await desk.ok('sreg set /a 1')
  await desk.transcript(`
    $ chmod 644 run/secreg/session
    $ sreg get /a
    ! sreg: the session file {path} is open to others (mode 0644)
    ! remove it, then run: sreg login NAME
    [4]
    $ chmod 600 run/secreg/session
    $ chmod 755 run/secreg
    $ sreg get /a
    ! sreg: the session file {path} lies in a directory that is open to others (mode 0755)
    ! remove it, then run: sreg login NAME
    [4]
    $ chmod 700 run/secreg
    $ mv run/secreg/session run/secreg/other
    $ ln -s other run/secreg/session
    $ sreg get /a
    ! sreg: the session file {path} is a symbolic link
    ! remove it, then run: sreg login NAME
    [4]
    $ SECREG_SESSION=no/such/dir/file sreg login "$ADMIN" --password-stdin < password
    ! sreg: {path}/no/such/dir does not exist
    [2]
  `)
})
