/** Versions, metadata, search, copies, transactions, mounts and watches, as a shell shows them. */
import { waitFor } from '@secreg/testkit'
import { expect, test, vi } from 'vitest'
import { type Desk, openDesk } from './desk.ts'

// Each command line is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000 })

test('the versions of an entry, from the first to the last', async () => {
  await using desk = await openDesk()
  await desk.transcript(`
    $ sreg set /app/port 5432 --type integer --if-version 0
    $ sreg set /app/port 5433 --type integer --if-version 1
    $ sreg set /app/port 1 --type integer --if-version 1
    ! sreg: {any}
    ! someone else changed it: "sreg history /app/port" tells the latest version, "sreg meta get /app/port" the revision; then repeat
    [6]
    $ sreg history /app/port
    Version  State   Type     Created              By
    2        active  integer  {time}  root-of-tests
    1        kept    integer  {time}  root-of-tests
    $ sreg diff /app/port
    --- /app/port version 1 (integer)
    +++ /app/port version 2 (integer)
    @@ -1 +1 @@
    -5432
    +5433
    $ sreg diff /app/port 2
    same
    $ sreg get /app/port --version 1
    5432
    $ sreg get /app/port --version 7
    ! sreg: there is no version 7
    ! run: sreg history /app/port
    [2]
    $ sreg rollback /app/port 1 --if-version 2 --verbose
    ! sreg: /app/port has version 3
    $ sreg activate /app/port 2
    $ sreg get /app/port
    5433
    $ sreg delete /app/port
    $ sreg get /app/port
    ! sreg: {any}
    ! run: sreg undelete /app/port
    [2]
    $ sreg history /app/port --limit 1
    Version  State  Type     Created              By
    3        kept   integer  {time}  root-of-tests
    ! sreg: deleted {time} by root-of-tests; run: sreg undelete /app/port
    ! sreg: there are older versions
    $ sreg undelete /app/port
    $ sreg destroy /app/port 1 3
    ! sreg: versions 1, 3 of /app/port will be erased for ever, and nobody can be asked whether that is meant
    ! give --yes too
    [1]
    $ sreg destroy /app/port 1 3 --yes
    $ sreg get /app/port --version 1
    ! sreg: version 1 was destroyed for ever
    ! its value is gone for ever; "sreg history /app/port" tells which are kept
    [2]
    $ sreg rollback /app/port 3
    ! sreg: version 3 was destroyed for ever
    ! its value is gone for ever; "sreg history /app/port" tells which are kept
    [2]
    $ sreg history /app/port
    Version  State      Type     Created              By
    3        destroyed  integer  {time}  root-of-tests
    2        active     integer  {time}  root-of-tests
    1        destroyed  integer  {time}  root-of-tests
    $ sreg purge /app/port
    ! sreg: /app/port will be erased with all its history for ever, and nobody can be asked whether that is meant
    ! give --yes too
    [1]
    $ sreg purge /app/port --yes
    $ sreg history /app/port
    ! sreg: no such key
    ! run: sreg list / --recursive
    [2]
    $ sreg undelete /app/port
    ! sreg: no such key
    ! run: sreg list / --recursive
    [2]
    $ sreg undelete --version 2
    ! sreg: <key> is missing: path of an entry
    ! run: sreg help undelete
    [1]
  `)
  const history = JSON.parse(
    await desk.ok('sreg set /a x && sreg set /a y && sreg history /a --json'),
  )
  expect(history).toMatchObject({
    key: '/a',
    active: 2,
    latest: 2,
    versions: [{ version: 2, state: 'kept' }, { version: 1 }],
  })
})

test('what is erased for ever is in no file any more', async () => {
  await using desk = await openDesk()
  for (const value of ['Zebra-1-destroyed', 'Zebra-2-purged']) {
    await desk.ok('sreg set /z -', value)
  }
  await desk.ok('sreg destroy /z 1 --yes')
  const destroyed = await desk.sh('grep -r -c -a Zebra-1-destroyed data audit | grep -v ":0$"')
  expect(destroyed.stdout).toBe('')
  await desk.ok('sreg purge /z --yes')
  const purged = await desk.sh('grep -r -c -a Zebra-2-purged data audit | grep -v ":0$"')
  expect(purged.stdout).toBe('')
})

test('differences of text, JSON, bytes and secrets', async () => {
  await using desk = await openDesk()
  desk.file('one', 'a\nb\nc\nd\ne\nf\ng\nh\n')
  desk.file('two', 'a\nb\nc\nd\nE\nf\ng\nh\ni\n')
  // A transcript has no blanks at the beginning of its lines.
  await desk.ok('sreg set /t @one && sreg set /t @two')
  expect(await desk.ok('sreg diff /t')).toBe(
    `--- /t version 1 (string)
+++ /t version 2 (string)
@@ -2,7 +2,8 @@
 b
 c
 d
-e
+E
 f
 g
 h
+i
`,
  )
  await desk.ok(`sreg set /j '{"a":[1,2]}' --type json && sreg set /j '{"a":[1,3]}' --type json`)
  expect(await desk.ok('sreg diff /j')).toBe(
    `--- /j version 1 (json)
+++ /j version 2 (json)
@@ -1,6 +1,6 @@
 {
   "a": [
     1,
-    2
+    3
   ]
 }
`,
  )
  await desk.transcript(`
    $ sreg diff /t 2 1 --json
    {"key":"/t","from":2,"to":1,"same":false,{any}
    $ sreg set /b AAAA --type bytes && sreg set /b AAAB --type bytes && sreg diff /b
    differs
    $ printf hunter1 | sreg set /s - --encrypt && printf hunter2 | sreg set /s - --encrypt
    $ sreg diff /s
    differs
    ! sreg: /s is encrypted; --decrypt shows what differs
    $ sreg diff /s --decrypt
    --- /s version 1 (string)
    +++ /s version 2 (string)
    @@ -1 +1 @@
    -hunter1
    +hunter2
    $ sreg set /once x && sreg diff /once
    ! sreg: no version is kept before 1
    ! name two of those that "sreg history" tells
    [2]
  `)
})

test('metadata, search, copy and move', async () => {
  await using desk = await openDesk()
  await desk.transcript(`
    $ sreg set /app/db/port 5432 --type integer && sreg set /app/db/host db1 && sreg set /app/web x
    $ sreg meta set /app/db/port --description "port of the database" --tag prod --tag db --custom owner=alice
    $ sreg meta set /app/db/port --custom ticket=7 --max-versions 5 --delete-after 30d --ttl 1h
    $ sreg meta set /app/db/port --remove ticket --ttl 0
    $ sreg meta get /app/db/port
    Key:                     /app/db/port
    Type:                    integer
    Active version:          1
    Latest version:          1
    Created:                 {time} by root-of-tests
    Modified:                {time} by root-of-tests
    Revision:                {number}
    Description:             port of the database
    Tags:                    db, prod
    Versions kept:           5
    Versions deleted after:  30d 0h
    Write rules:             registry
    Custom:                  owner=alice
    $ sreg meta set /app/db/port --tag x --if-revision 1
    ! sreg: {any}
    ! {any}
    [6]
    $ sreg meta get /nothing
    ! sreg: no such key
    ! run: sreg list / --recursive
    [2]
    $ sreg search DB
    /app/db/host
    /app/db/port
    $ sreg search --key port --metadata owner=alice --tag prod
    /app/db/port
    $ sreg search --metadata owner=bob
    $ sreg search app --limit 2
    /app/db/host
    /app/db/port
    ! sreg: there may be more; go on with --after /app/db/port
    $ sreg search app --limit 2 --after /app/db/port
    /app/web
    $ sreg list /app --recursive --limit 1
    /app/db/host
    ! sreg: there is more; go on with --after /app/db/host
    $ sreg copy /app/db /copy --recursive --verbose
    ! sreg: 2 copied
    $ sreg copy /app/db /copy --recursive
    ! sreg: {any}
    ! --force writes a new version where there is an entry
    [5]
    $ sreg copy /app/db/host /copy/host --force
    $ sreg search --tag prod
    /app/db/port
    /copy/port
    $ sreg move /copy /moved --recursive
    $ sreg history /moved/host
    Version  State   Type    Created              By
    2        active  string  {time}  root-of-tests
    1        kept    string  {time}  root-of-tests
    $ sreg move /moved/host /app/web
    ! sreg: {any}
    ! "sreg purge" makes room there; it erases what is there for ever
    [5]
    $ sreg list /copy
    $ sreg set /e secret --ephemeral --ttl 15m && sreg meta get /e --json
    {"key":"/e",{any}"ephemeral":true,{any}"expires_at":{any}
  `)
  // What is in memory only is gone after a restart.
  await desk.stop()
  await desk.start()
  await desk.ok('sreg unlock --password-stdin < passphrase')
  await desk.ok('sreg login "$ADMIN" --password-stdin < password')
  await desk.fails('sreg get /e', 2, 'no such key')
  expect(await desk.ok('sreg get /moved/host')).toBe('db1\n')
})

test('transactions: then, else, and what is refused without a value', async () => {
  await using desk = await openDesk()
  const leader = {
    compare: [{ key: '/leader', absent: true }],
    then: [
      { op: 'set', key: '/leader', value: 'node-1', ttl_s: 3600 },
      { op: 'set', key: '/epoch', value: 1 },
    ],
    else: [
      { op: 'get', key: '/leader' },
      { op: 'get', key: '/nothing' },
    ],
  }
  desk.file('leader.json', JSON.stringify(leader))
  desk.file('wrong.json', '{"then":[{"op":"set","key":"/x","value":"hunter2","ttl":5}]}')
  desk.file('invalid.json', '{"then":[{"op":"set","key":"/x","value":"hunter2","type":"integer"}]}')
  await desk.transcript(`
    $ sreg txn leader.json
    then revision {number}
    set /leader version 1
    set /epoch version 1
    $ sreg txn - < leader.json
    else revision {number}
    get /leader node-1
    get /nothing absent
    $ sreg txn wrong.json
    ! sreg: not a transaction: then[0] unknown member "ttl"
    ! known are op, key, value, type, encrypt, if_version, if_revision, if_type, ttl_s, private, ephemeral
    [1]
    $ sreg txn missing.json
    ! sreg: missing.json does not exist
    [2]
    $ sreg get /epoch
    1
  `)
  const refused = await desk.sh('sreg txn invalid.json')
  expect(refused).toMatchObject({ code: 1, stdout: '' })
  expect(refused.stderr).not.toContain('hunter2')
  const answer = JSON.parse(await desk.ok('sreg txn leader.json --json'))
  expect(answer).toMatchObject({ succeeded: false, results: [{ op: 'get' }, { found: null }] })
})

test('mounts, and an entry that needs its version', async () => {
  await using desk = await openDesk()
  await desk.transcript(`
    $ sreg mount set /strict registry --max-versions 2 --cas-required --encrypt
    $ sreg mount list
    {lines}/strict  {any}
    $ sreg set /strict/a 1
    ! sreg: {any}
    ! give --if-version N: the latest number that "sreg history /strict/a" tells, 0 for a new entry
    [6]
    $ sreg set /strict/a 1 --if-version 0
    $ sreg get /strict/a
    ! sreg: /strict/a is encrypted; --decrypt shows its value
    $ sreg mount set /other nonsense
    ! sreg: {any}
    ! "sreg mount list" tells which rules are served
    [6]
    $ sreg mount remove /strict
    $ sreg mount remove /strict
    ! sreg: {any}
    ! run: sreg mount list
    [2]
  `)
})

test('who may not, gets 3 of every command and learns nothing', async () => {
  await using desk = await openDesk()
  desk.file('user', 'Battery-Staple-9\n')
  desk.file('t.json', '{"then":[{"op":"get","key":"/a"}]}')
  await desk.ok('sreg set /a hunter2')
  await desk.ok('sreg user add carol --roles user --password-stdin < user')
  const carol = 'XDG_RUNTIME_DIR="$PWD/carol" sreg'
  await desk.ok(`${carol} login carol --password-stdin < user`)
  for (const command of [
    'history /a',
    'diff /a 1 2',
    'rollback /a 1',
    'activate /a 1',
    'undelete /a',
    'destroy /a 1 --yes',
    'purge /a --yes',
    'meta get /a',
    'meta set /a --tag x',
    'search x --prefix /a',
    'copy /a /b',
    'move /a /b',
    'txn t.json',
    'watch /a',
    'mount list',
  ]) {
    const refused = await desk.sh(`${carol} ${command}`)
    expect(refused, command).toMatchObject({ code: 3, stdout: '' })
    const missing = await desk.sh(`${carol} ${command.replaceAll('/a', '/nothing')}`)
    expect(missing.stderr, command).toBe(refused.stderr)
  }
})

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '')

/** Changes of `/w`, as many as there are numbers, in one shell. */
const change = (desk: Desk, from: number, to: number): Promise<string> =>
  desk.ok(`for i in $(seq ${from} ${to}); do sreg set /w/$i x || exit; done`)

test('a watch: live, from a revision, ended by a signal, and resumed without a gap', async () => {
  await using desk = await openDesk()
  await change(desk, 1, 2)
  const child = desk.launch(['watch', '/w', '--since', '0'])
  await waitFor(() => lines(child.stdout()).length === 2)
  await change(desk, 3, 4)
  await desk.ok('sreg set /elsewhere x && sreg delete /w/1')
  await waitFor(() => lines(child.stdout()).length === 5)
  const [first, ...rest] = lines(child.stdout()).map((line) => line.split(' '))
  expect(first?.slice(1)).toEqual(['set', '/w/1', '1'])
  expect(rest.at(-1)?.slice(1)).toEqual(['delete', '/w/1', '1'])

  const json = desk.launch(['watch', '/w/2', '--exact', '--json'])
  const ended = desk.launch(['watch', '/'])
  // Both stand once they have told something; a change may come before they do.
  await waitFor(async () => {
    await desk.ok('sreg set /w/2 y')
    return json.stdout() !== '' && ended.stdout() !== ''
  })
  const event = JSON.parse(lines(json.stdout())[0] ?? '')
  expect(event).toMatchObject({ op: 'set', key: '/w/2', type: 'string', encrypted: false })
  expect(Object.keys(event)).not.toContain('value')
  ended.signal('SIGTERM')
  expect(await ended.exit).toMatchObject({ code: 0, signal: null })
  json.signal('SIGINT')
  expect(await json.exit).toMatchObject({ code: 0, signal: null })

  await desk.daemon?.kill('SIGKILL')
  expect(await child.exit).toMatchObject({ code: 6 })
  const seen = lines(child.stdout())
  const hint = /go on with: sreg (watch \/w --since (\d+) --generation \S+)\n/.exec(child.stderr())
  expect(hint, child.stderr()).not.toBeNull()
  expect(Number(hint?.[2])).toBeGreaterThanOrEqual(Number(seen.at(-1)?.split(' ')[0]))
  await desk.start()
  await desk.ok('sreg unlock --password-stdin < passphrase')
  await desk.ok('sreg login "$ADMIN" --password-stdin < password')
  await change(desk, 5, 6)
  const resumed = desk.launch((hint?.[1] ?? '').split(' '))
  await waitFor(() => lines(resumed.stdout()).length === 2)
  resumed.signal('SIGTERM')
  expect((await resumed.exit).code).toBe(0)
  // Together they tell each change once.
  const whole = desk.launch(['watch', '/w', '--since', '0'])
  const all = [...seen, ...lines(resumed.stdout())]
  await waitFor(() => lines(whole.stdout()).length === all.length)
  whole.signal('SIGTERM')
  await whole.exit
  expect(lines(whole.stdout())).toEqual(all)
})

test('a watch from where there is nothing any more, and into a reader that leaves', async () => {
  await using desk = await openDesk()
  await change(desk, 1, 3)
  await desk.fails('sreg watch /w --since 999999', 1, /no such revision/)
  let left = false
  const reading = desk.sh('sreg watch /w --since 0 | head -n 1').finally(() => {
    left = true
  })
  // Who has nothing to write does not learn that nobody reads: the next change tells.
  for (let n = 4; !left; n++) await change(desk, n, n)
  const head = await reading
  expect(head).toMatchObject({ code: 0, stderr: '' })
  expect(head.stdout).toMatch(/^\d+ set \/w\/1 1\n$/)
})
