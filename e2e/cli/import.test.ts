/** What `sreg import` reads, and that it changes everything or nothing. */
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { waitFor } from '@secreg/testkit'
import { expect, test, vi } from 'vitest'
import { ADMIN, PASSWORD } from '../lib/site.ts'
import { Wire } from '../lib/wire.ts'
import { type Desk, openDesk } from './desk.ts'

// Each command line is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000 })

test('a dotenv file, a JSON tree, a directory tree', async () => {
  await using desk = await openDesk()
  desk.file(
    '.env',
    `# web\nexport PORT=8080\nNAME="two words"\nEMPTY=\nMULTI='a\nb'\nURL=http://x/#y # c\n`,
  )
  desk.file(
    'tree.json',
    JSON.stringify({
      web: {
        port: 8080,
        tls: true,
        name: 'x',
        ratio: 0.5,
        list: [1, 'a'],
        nothing: null,
        none: {},
      },
      'odd/name*': 'y',
    }),
  )
  desk.file('tree/int', '-42\n')
  desk.file('tree/zero-led', '007\n')
  desk.file('tree/big', '9223372036854775808\n')
  desk.file('tree/text', 'a\n\n')
  desk.file('tree/deep/er/blob', Buffer.from([0xff, 0, 1]))
  desk.file('tree/empty', '')
  desk.file('tree/odd name?', 'x')
  symlinkSync('text', desk.path('tree/inside'))
  symlinkSync('/etc/passwd', desk.path('tree/outside'))
  await desk.transcript(`
    $ sreg import .env --format dotenv --prefix /env --encrypt
    ! sreg: 5 imported, 0 unchanged
    $ sreg get /env/PORT
    ! sreg: /env/PORT is encrypted; --decrypt shows its value
    $ sreg get /env/PORT --decrypt --json
    {"key":"/env/PORT","value":"8080","type":"string","encrypted":true,{any}}
    $ sreg get /env/MULTI --decrypt
    a
    b
    $ sreg get /env/NAME --decrypt
    two words
    $ sreg import tree.json --format json --prefix /json
    ! sreg: 8 imported, 0 unchanged
    $ sreg list /json --recursive -v
    Key                  Type     Version  Modified             By
    /json/odd%2Fname%2A  string   1        {time}  root-of-tests
    /json/web/list       json     1        {time}  root-of-tests
    /json/web/name       string   1        {time}  root-of-tests
    /json/web/none       json     1        {time}  root-of-tests
    /json/web/nothing    json     1        {time}  root-of-tests
    /json/web/port       integer  1        {time}  root-of-tests
    /json/web/ratio      json     1        {time}  root-of-tests
    /json/web/tls        boolean  1        {time}  root-of-tests
    $ sreg get /json/web/list
    [1,"a"]
    $ cat tree.json | sreg import - --format json --prefix /json
    ! sreg: 0 imported, 8 unchanged
    $ sreg import tree --prefix /tree
    ! sreg: 7 imported, 0 unchanged; skipped: {any}
    $ sreg list /tree --recursive -v
    {lines}
    $ sreg get /tree/int --json
    {"key":"/tree/int","value":"-42","type":"integer",{any}}
    $ sreg get /tree/zero-led --json
    {"key":"/tree/zero-led","value":"007","type":"string",{any}}
    $ sreg get /tree/big --json
    {"key":"/tree/big","value":"9223372036854775808","type":"string",{any}}
    $ sreg get /tree/deep/er/blob
    /wAB
    $ sreg get /tree/inside --raw
    a
    $ sreg get '/tree/odd name%3F'
    x
    $ sreg get /tree/outside
    ! sreg: no such key
    ! run: sreg list / --recursive
    [2]
    $ sreg import .env --format json
    ! sreg: .env is not JSON
    [1]
    $ sreg import .env
    ! sreg: .env is not a secreg export
    ! for another kind of file give --format dotenv or --format json
    [1]
    $ sreg import tree --format json
    ! sreg: tree is a directory
    ! give --format tree
    [1]
    $ sreg import tree.json --format tree
    ! sreg: tree.json is not a directory
    [1]
    $ sreg import absent
    ! sreg: absent does not exist
    [2]
  `)
})

test('something that does not fit: everything is refused, and what it is is told', async () => {
  await using desk = await openDesk()
  desk.file('big/ok', 'x')
  desk.file('big/large', Buffer.alloc(1024 * 1024 + 1, 'x'))
  desk.file('number.json', '{"ok": 1, "big": 9007199254740993}')
  desk.file('long.env', `OK=1\n${'N'.repeat(600)}=1\n`)
  mkdirSync(desk.path('nothing'))
  for (const [line, message] of [
    ['import big', /large: exceeds 1048576 bytes/],
    [
      'import number.json --format json',
      /big: holds a whole number that JSON cannot carry exactly/,
    ],
    ['import long.env --format dotenv', /NNN: /],
    ['import nothing', /nothing to import/],
    ['import big --prefix relative', /the key path/],
  ] as const) {
    await desk.fails(`sreg ${line}`, 1, message)
  }
  expect(await desk.ok('sreg list / --recursive')).toBe('')
})

test('what differs is refused, shown by --dry-run, overwritten by --force', async () => {
  await using desk = await openDesk()
  desk.file('a.json', '{"same": "1", "other": "old", "typed": "5"}')
  desk.file('b.json', '{"same": "1", "other": "new", "typed": 5, "more": true}')
  await desk.transcript(`
    $ sreg import a.json --format json --prefix /d
    ! sreg: 3 imported, 0 unchanged
    $ sreg import b.json --format json --prefix /d
    ! sreg: {any}
    ! --dry-run shows the differences, --force overwrites
    [5]
    $ sreg list /d
    /d/other
    /d/same
    /d/typed
    $ sreg import b.json --format json --prefix /d --dry-run
    Change  Type               Key
    create  boolean            /d/more
    update  string             /d/other
    update  string to integer  /d/typed
    ! sreg: 3 would change, 1 would stay; nothing was changed
    $ sreg get /d/other
    old
    $ sreg audit --key /d --action import
    Timestamp            User           Action                    Target                     Result
    {time}  root-of-tests  import (difference only)  /d/more and 3 more         ok
    {time}  root-of-tests  import                    /d/more and 3 more         failed: ALREADY_EXISTS
    {time}  root-of-tests  import                    /d/other /d/same /d/typed  ok
    $ sreg import b.json --format json --prefix /d --force
    ! sreg: 3 imported, 1 unchanged
    $ sreg get /d/other
    new
    $ sreg get /d/typed --json
    {"key":"/d/typed","value":"5","type":"integer","encrypted":false,"version":2,{any}}
    $ sreg get /d/same --json
    {"key":"/d/same","value":"1","type":"string","encrypted":false,"version":1,{any}}
    $ sreg import b.json --format json --prefix /d --dry-run
    ! sreg: 0 would change, 4 would stay; nothing was changed
  `)
})

test('exports: what was changed in one is refused, an encrypted one needs --decrypt and its passphrase', async () => {
  await using desk = await openDesk()
  await desk.transcript(`
    $ sreg set /e/plain 1
    $ sreg set /e/secret of-worth --encrypt
    $ sreg export --output plain.json
    ! sreg: 1 encrypted entry was left out; --encrypt or --with-secrets includes them
    $ sreg export --with-secrets --output secrets.json
    $ sreg export --encrypt --output sealed.json --password-stdin < passphrase
    $ sreg export --encrypt --output short.json --password-stdin < /dev/null
    ! sreg: line 1 of standard input is missing or empty: passphrase of the export
    [1]
    $ grep -c of-worth plain.json secrets.json sealed.json
    plain.json:0
    secrets.json:1
    sealed.json:0
    $ sed 's/"value":"1"/"value":"2"/' plain.json > tampered.json
    $ sreg import tampered.json --force
    ! sreg: not a usable secreg export: its checksum does not fit; it is damaged or was changed
    [1]
    $ sreg delete /e --recursive
    $ sreg import sealed.json
    ! sreg: sealed.json is encrypted
    ! give --decrypt
    [1]
    $ sreg import sealed.json --decrypt
    ! sreg: standard input is not a terminal
    ! give --password-stdin and write to standard input: passphrase of the export
    [1]
    $ sreg import sealed.json --decrypt --password-stdin < password
    ! sreg: the passphrase does not fit this export
    ! check the passphrase
    [8]
    $ sreg import plain.json --decrypt --password-stdin < passphrase
    ! sreg: this export is not encrypted
    ! leave --decrypt out
    [1]
    $ sreg list /
    $ sreg import sealed.json --decrypt --dry-run --password-stdin < passphrase
    Change  Type               Key
    create  string             /e/plain
    create  string, encrypted  /e/secret
    ! sreg: 2 would change, 0 would stay; nothing was changed
    $ sreg list /
    $ sreg import sealed.json --decrypt --password-stdin < passphrase
    ! sreg: 2 imported, 0 unchanged
    $ sreg get /e/secret
    ! sreg: /e/secret is encrypted; --decrypt shows its value
    $ sreg get /e/secret --decrypt
    of-worth
    $ sreg import secrets.json
    ! sreg: 0 imported, 2 unchanged
    $ sreg import secrets.json --prefix /copy
    ! sreg: 2 imported, 0 unchanged
    $ sreg get /copy/e/secret
    ! sreg: /copy/e/secret is encrypted; --decrypt shows its value
  `)
  // Any changed byte of the sealed one: damaged, which is another error than a wrong passphrase.
  const sealed = JSON.parse(readFileSync(desk.path('sealed.json'), 'utf8'))
  const data: string = sealed.data
  sealed.data = `${data.slice(0, 40)}${data[40] === 'A' ? 'B' : 'A'}${data.slice(41)}`
  desk.file('flipped.json', JSON.stringify(sealed))
  await desk.fails(
    'sreg import flipped.json --decrypt --password-stdin < passphrase',
    8,
    /the encrypted export cannot be used/,
  )
})

/** A socket before the daemon's, which stops passing on what a client sends at a given number of bytes. */
async function gateway(desk: Desk, bytes: number) {
  const path = desk.path('gate')
  const held: Buffer[] = []
  const upstreams: Socket[] = []
  let left = bytes
  let open = false
  const server = createServer((client) => {
    const upstream = connect(desk.site.socket)
    upstreams.push(upstream)
    client.on('data', (chunk: Buffer) => {
      const passed = open ? chunk : chunk.subarray(0, Math.max(0, left))
      left -= passed.length
      if (passed.length > 0) upstream.write(passed)
      if (passed.length < chunk.length) held.push(chunk.subarray(passed.length))
    })
    upstream.on('data', (chunk) => client.write(chunk))
    client.on('error', () => upstream.destroy())
    client.on('close', () => upstream.end())
    upstream.on('error', () => client.destroy())
    upstream.on('close', () => client.destroy())
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  expect(server.address() as AddressInfo | string).toBe(path)
  return {
    path,
    held: () => Buffer.concat(held),
    release: () => {
      open = true
      for (const upstream of upstreams) upstream.write(Buffer.concat(held.splice(0)))
    },
    [Symbol.asyncDispose]: async () => {
      for (const upstream of upstreams) upstream.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const LARGE = JSON.stringify(
  Object.fromEntries(Array.from({ length: 7000 }, (_, i) => [`k${i}`, 'x'.repeat(500)])),
)

/** A session for the gate's path, which is another socket as far as `sreg` knows. */
async function openGate(desk: Desk, bytes: number) {
  const gate = await gateway(desk, bytes)
  await desk.ok(`sreg login "$ADMIN" --socket ${gate.path} --password-stdin < password`)
  return gate
}

async function nothingImported(desk: Desk): Promise<void> {
  using wire = await Wire.login(desk.site.socket, ADMIN, PASSWORD)
  expect((await wire.ok('list', { prefix: '/', recursive: true })).keys).toEqual(['/before'])
}

test('kill -9 of sreg in the middle of an import leaves nothing imported', async () => {
  await using desk = await openDesk()
  desk.file('large.json', LARGE)
  await desk.ok('sreg set /before 1')
  for (let i = 0; i < 2; i++) {
    await using gate = await openGate(desk, 1_500_000)
    const child = desk.launch(['import', 'large.json', '--format', 'json', '-s', gate.path])
    await waitFor(() => gate.held().length > 0, { what: 'a part of the import' })
    expect((await child.kill('SIGKILL')).signal).toBe('SIGKILL')
    await nothingImported(desk)
  }
  // The daemon keeps nothing of it, also over a restart, and the import can be done anew.
  await desk.stop()
  await desk.start()
  await desk.ok('sreg unlock --password-stdin < passphrase')
  await nothingImported(desk)
  await desk.ok('sreg login "$ADMIN" --password-stdin < password')
  expect((await desk.sh('sreg import large.json --format json --prefix /large')).stderr).toBe(
    'sreg: 7000 imported, 0 unchanged\n',
  )
  expect(await desk.ok('sreg audit --action import --limit 1')).toMatch(
    /import +\/large\/k0 and 6999 more +ok\n$/,
  )
  expect(await desk.ok('sreg list /large | wc -l')).toMatch(/^\s*7000\n$/)
})

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s in the middle of an import takes it back',
  async (signal) => {
    await using desk = await openDesk()
    desk.file('large.json', LARGE)
    await desk.ok('sreg set /before 1')
    await using gate = await openGate(desk, 1_500_000)
    const child = desk.launch(['import', 'large.json', '--format', 'json', '-s', gate.path])
    await waitFor(() => gate.held().length > 0, { what: 'a part of the import' })
    child.signal(signal)
    // Held back until it is seen, so that the import cannot be done before the signal.
    await waitFor(() => gate.held().includes('"op":"abort"'), { what: 'the abort' })
    gate.release()
    expect(await child.exit).toEqual({ code: null, signal })
    expect(child.stdout()).toBe('')
    await nothingImported(desk)
    expect(await desk.ok('sreg audit --action import --limit 1')).not.toMatch(/import .* ok$/m)
  },
)
