/** The life of a newcomer, as a shell shows it: every command from the first start to the last logout. */
import { readFileSync, statSync } from 'node:fs'
import { requireProgram, runChild } from '@secreg/testkit'
import { expect, test, vi } from 'vitest'
import { Desk, openDesk } from './desk.ts'

// Each command line is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000 })

test('from the first start to a registry that is sealed and unlocked again', async () => {
  await using desk = new Desk()
  await desk.start()
  await desk.transcript(`
    $ sreg status
    Status:       running
    State:        uninitialized
    Initialized:  no
    Version:      {any}
    Socket:       {path}
    ! sreg: not initialised; run: sreg init
    $ sreg unlock --password-stdin < passphrase
    ! sreg: the registry is not initialised yet; run: sreg init
    [6]
    $ sreg init < secrets
    ! sreg: standard input is not a terminal
    ! give --password-stdin and write to standard input: the passphrase, then the password of the administrator
    [1]
    $ sreg init --admin root < secrets
    ! sreg: standard input is not a terminal
    ! give --password-stdin and write to standard input: the passphrase, then the password of the administrator
    [1]
    $ sreg init --password-stdin < secrets
    ! sreg: standard input is not a terminal
    ! give --admin NAME and --password-stdin
    [1]
    $ sreg init --admin "$ADMIN" --password-stdin < secrets
    ! sreg: initialised; run: sreg login root-of-tests
    $ sreg init --admin "$ADMIN" --password-stdin < secrets
    ! sreg: the registry is initialised already
    ! log in, or move it aside with: sreg init --force
    [5]
    $ sreg whoami
    ! sreg: log in first
    ! run: sreg login NAME
    [4]
    $ sreg login "$ADMIN" < password
    ! sreg: standard input is not a terminal
    ! give --password-stdin and write to standard input: the password, then a code where a second factor is needed
    [1]
    $ sreg login "$ADMIN" --password-stdin < passphrase
    ! sreg: {any}
    ! check the name and the password
    [4]
    $ sreg login "$ADMIN" --password-stdin < password
    $ sreg whoami
    User:           root-of-tests
    Account:        {hex}
    Roles:          admin
    Second factor:  no
    Proof:          credential
    $ sreg set /app/web/token - --encrypt < passphrase
    $ sreg set /app/web/port 8080 --type integer
    $ sreg status
    Status:       running
    State:        unsealed
    Initialized:  yes
    Version:      {any}
    Uptime:       {any}
    Socket:       {path}
    Database:     {path}
    Audit:        {path}
    Keys:         2
    {lines}
  `)
  expect(statSync(desk.path('run/secreg/session')).mode & 0o777).toBe(0o600)
  await desk.stop()
  await desk.start()
  await desk.transcript(`
    $ sreg status
    Status:       running
    State:        sealed
    Initialized:  yes
    Version:      {any}
    Socket:       {path}
    ! sreg: sealed; run: sreg unlock
    $ sreg get /app/web/port
    ! sreg: the session is unknown or has ended; log in again
    ! run: sreg login NAME
    [4]
    $ sreg unlock --password-stdin < password
    ! sreg: {any}
    ! check the passphrase; the registry stays sealed
    [4]
    $ sreg unlock --password-stdin < passphrase
    $ sreg login "$ADMIN" --password-stdin < password
    $ sreg get /app/web/port
    8080
    $ sreg get /app/web/token --decrypt
    long words that nobody guesses
    $ sreg lock
    $ sreg get /app/web/port
    8080
    $ sreg get /app/web/token --decrypt
    ! sreg: the registry is sealed; run: sreg unlock
    [6]
    $ sreg set /app/web/port 1 --type integer
    ! sreg: the registry is sealed; run: sreg unlock
    [6]
    $ sreg unlock --password-stdin < passphrase
    $ sreg get /app/web/token --decrypt
    ! sreg: the session is unknown or has ended; log in again
    ! run: sreg login NAME
    [4]
    $ sreg login "$ADMIN" --password-stdin < password
    $ sreg get /app/web/token --decrypt
    long words that nobody guesses
    $ sreg logout
    $ sreg logout
    ! sreg: not logged in
    $ sreg get /app/web/port
    ! sreg: log in first
    ! run: sreg login NAME
    [4]
  `)
})

test('values of every type: set, get, list, delete', async () => {
  await using desk = await openDesk()
  desk.file('text', 'two\nlines\n\n')
  desk.file('blob', Buffer.from([0, 255, 10, 10]))
  await desk.transcript(`
    $ sreg set /t/string hello
    $ sreg set /t/empty ''
    $ sreg set /t/true-text true
    $ sreg set /t/min -9223372036854775808 --type integer
    $ sreg set /t/max --type integer 9223372036854775807
    $ sreg set /t/off false --type boolean
    $ sreg set /t/one 1 --type boolean
    $ sreg set /t/json '{"a": [1, 2.50, null]}' --type json
    $ sreg set /t/text @text
    $ sreg set /t/raw @text --raw
    $ sreg set /t/blob @blob --type bytes
    $ sreg set /t/base64 AP8K --type binary
    $ sreg set /t/at @@home
    $ sreg set /t/dash -- --force
    $ sreg get /t/string
    hello
    $ sreg get /t/empty
    
    $ sreg get /t/true-text --json
    {"key":"/t/true-text","value":"true","type":"string","encrypted":false,"version":1,{any}}
    $ sreg get /t/min
    -9223372036854775808
    $ sreg get /t/max
    9223372036854775807
    $ sreg get /t/off
    false
    $ sreg get /t/one
    true
    $ sreg get /t/json
    {"a": [1, 2.50, null]}
    $ sreg get /t/text
    two
    lines
    
    $ sreg get /t/blob
    AP8KCg==
    $ sreg get /t/base64
    AP8K
    $ sreg get /t/at
    @home
    $ sreg get /t/dash
    --force
    $ sreg get /t/string --raw | wc -c
    5
    $ sreg get /t/raw --raw | cmp - text
    $ sreg get /t/blob --raw | cmp - blob
    $ sreg list /
    /t/
    $ sreg list /t
    /t/at
    /t/base64
    /t/blob
    /t/dash
    /t/empty
    /t/json
    /t/max
    /t/min
    /t/off
    /t/one
    /t/raw
    /t/string
    /t/text
    /t/true-text
    $ sreg list /t/m
    $ sreg list --verbose /t/ | grep -E 'Key|/t/(max|off) '
    Key           Type     Version  Modified             By
    /t/max        integer  1        {time}  root-of-tests
    /t/off        boolean  1        {time}  root-of-tests
    $ sreg list / --recursive --json | cut -c 1-29
    {"keys":["/t/at","/t/base64"{any}
    $ sreg delete /t/at
    $ sreg get /t/at
    ! sreg: the entry was deleted; undelete brings it back
    ! run: sreg undelete /t/at
    [2]
    $ sreg delete /t/at
    ! sreg: no such key
    ! run: sreg list / --recursive
    [2]
    $ sreg delete /t
    ! sreg: no such key, but there are keys below it{any}
    ! --recursive deletes everything below it
    [6]
    $ sreg delete --recursive /t --json
    {"success":true,"deleted":13,{any}}
    $ sreg list /
  `)
})

test('accounts: users, roles, passwords', async () => {
  await using desk = await openDesk()
  desk.file('bob', 'Battery-Staple-9-Horse\n')
  desk.file('bob2', 'Battery-Staple-8-Horse\n')
  desk.file('both', 'Battery-Staple-9-Horse\nBattery-Staple-8-Horse\n')
  // Another person has a place of his own for his session.
  const bob = 'XDG_RUNTIME_DIR="$PWD/bob-run"'
  await desk.transcript(`
    $ sreg user add bob --roles operatr --password-stdin < bob
    ! sreg: no such role; did you mean operator?
    ! run: sreg role list, sreg group list
    [2]
    $ sreg user add bob --roles operator --password-stdin < bob
    $ sreg user add bob --password-stdin < bob
    ! sreg: user bob exists already
    ! choose another name, or see: sreg user show NAME
    [5]
    $ sreg user list
    User           Roles     Groups  State    Ways in   Account
    bob            operator          enabled  password  {hex}
    root-of-tests  admin             enabled  password  {hex}
    $ ${bob} sreg login bob --password-stdin < bob
    $ ${bob} sreg whoami | head -n 1
    User:           bob
    $ ${bob} sreg set /app/a 1
    $ ${bob} sreg get /app/a
    1
    $ ${bob} sreg user list
    ! sreg: {any}
    ! "sreg policy explain" says why; ask an administrator
    [3]
    $ ${bob} sreg audit
    ! sreg: {any}
    ! "sreg policy explain" says why; ask an administrator
    [3]
    $ ${bob} sreg passwd --password-stdin < both
    $ ${bob} sreg login bob --password-stdin < bob
    ! sreg: {any}
    ! check the name and the password
    [4]
    $ ${bob} sreg login bob --password-stdin < bob2
    $ sreg user roles bob auditor,user
    $ sreg user show bob
    User:           bob
    Account:        {hex}
    Roles:          auditor, user
    {lines}
    $ ${bob} sreg set /app/a 2
    ! sreg: permission denied
    ! "sreg policy explain" says why; ask an administrator
    [3]
    $ sreg user password bob --password-stdin < bob
    $ ${bob} sreg login bob --password-stdin < bob
    $ ${bob} sreg set /app/a 2
    ! sreg: {any}
    ! "sreg policy explain" says why; ask an administrator
    [3]
    $ sreg user disable bob
    $ ${bob} sreg login bob --password-stdin < bob
    ! sreg: {any}
    ! check the name and the password
    [4]
    $ sreg user enable bob
    $ ${bob} sreg login bob --password-stdin < bob
    $ sreg user remove bob
    $ ${bob} sreg get /app/a
    ! sreg: the session is unknown or has ended; log in again
    ! run: sreg login NAME
    [4]
    $ sreg user show bob
    ! sreg: no such user
    ! run: sreg user list
    [2]
    $ sreg user remove "$ADMIN"
    ! sreg: {any}
    ! let somebody else administer first: sreg user roles NAME admin
    [6]
  `)
})

test('the audit log with all filters, and the checks of the installation', async () => {
  await using desk = await openDesk()
  await desk.transcript(`
    $ sreg set /app/a 1
    $ sreg set /app/b x --type integer
    ! sreg: {any}
    [1]
    $ sreg get /app/a
    1
    $ sreg get /app2/c
    ! sreg: no such key
    ! run: sreg list / --recursive
    [2]
    $ sreg audit --key /app
    Timestamp            User           Action  Target  Result
    {time}  root-of-tests  read    /app/a  ok
    {time}  root-of-tests  write   /app/b  failed: VALUE_INVALID
    {time}  root-of-tests  write   /app/a  ok
    $ sreg audit --user "$ADMIN" --key /app --action write --since 1h --until 2099-01-01 --failed --limit 5
    Timestamp            User           Action  Target  Result
    {time}  root-of-tests  write   /app/b  failed: VALUE_INVALID
    $ sreg audit --user "$ADMIN" --key /app --action write --since 1h --limit 1
    Timestamp            User           Action  Target  Result
    {time}  root-of-tests  write   /app/b  failed: VALUE_INVALID
    $ sreg audit --user somebody --key /app
    Timestamp  User  Action  Target  Result
    $ sreg audit --key /app --until 1h
    Timestamp  User  Action  Target  Result
    $ sreg audit --key /app --action delete
    Timestamp  User  Action  Target  Result
    $ sreg audit --since 2099-01-01T00:00Z
    Timestamp  User  Action  Target  Result
    $ sreg audit --since soon
    ! sreg: not a time: "soon"
    ! use 90s 15m 1h 7d 2w, today, 2026-01-31, 2026-01-31T09:00Z, or seconds since 1970
    [1]
    $ sreg audit --limit 0
    ! sreg: --limit must be a number from 1 to 1000000
    [1]
    $ sreg audit --key /app --limit 1 --json
    {"records":[{"sequence":{number},"time":"{any}","action":"read","outcome":"ok","paths":["/app/a"],{any}}]}
    $ sreg security check
    Level  Check             Finding
    {lines}
    $ sreg security audit
    Level  Check        Finding
    ok     audit chain  {number} records verified, {number} {any}
    $ sreg security audit --json
    {"ok":true,"findings":[{any}]}
  `)
})

test('version, help, and completion that shells accept', async (context) => {
  await using desk = new Desk()
  // None of these needs a daemon.
  await desk.transcript(`
    $ sreg version
    sreg {number}.{number}.{number}
    $ sreg --version
    sreg {number}.{number}.{number}
    $ sreg
    ! sreg: a command is needed
    ! run: sreg help
    [1]
    $ sreg help nothing
    ! sreg: unknown command "nothing"
    ! run: sreg help
    [1]
    $ sreg sett /a b
    ! sreg: unknown command "sett"; did you mean set?
    ! run: sreg help
    [1]
    $ sreg completion tcsh
    ! sreg: <shell> must be one of bash, zsh, fish{any}
    ! run: sreg help completion
    [1]
  `)
  const overview = await desk.ok('sreg help')
  for (const command of [
    ...['init', 'login', 'logout', 'get', 'set', 'delete', 'list', 'audit', 'status', 'export'],
    ...['import', 'unlock', 'lock', 'whoami', 'passwd', 'user', 'security', 'completion', 'help'],
  ]) {
    expect(overview).toMatch(new RegExp(`^ +sreg ${command}\\b`, 'm'))
    const help = await desk.ok(`sreg help ${command}`)
    expect(help).toMatch(new RegExp(`^sreg ${command}\\b`))
    expect(help).toBe(await desk.ok(`sreg ${command} --help`))
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
  }
  for (const shell of ['bash', 'zsh', 'fish']) {
    const script = desk.file(`completion.${shell}`, await desk.ok(`sreg completion ${shell}`))
    expect(readFileSync(script, 'utf8')).toContain('password-stdin')
  }
  const bash = requireProgram(context, 'bash')
  const completed = await runChild(
    bash,
    [
      '--norc',
      '-c',
      `source completion.bash
      complete_words() {
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=\${#COMP_LINE}
        COMPREPLY=()
        "$(complete -p sreg | sed 's/.*-F \\([^ ]*\\).*/\\1/')" sreg "\${@: -1}" "\${@: -2:1}"
        printf '%s\\n' "\${COMPREPLY[@]}"
      }
      complete_words sreg ex
      complete_words sreg set /a b --type in
      complete_words sreg security ''`,
    ],
    { cwd: desk.site.home.path, env: desk.env },
  )
  expect(completed.stdout.trim().split(/\s+/)).toEqual(['export', 'integer', 'check', 'audit'])
})
