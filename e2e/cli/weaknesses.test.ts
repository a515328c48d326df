/** Weaknesses of SecReg-Linux that a person meets at the command line and in the configuration, by number. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { runChild, runNode, skipTest } from '@secreg/testkit'
import { expect, test, vi } from 'vitest'
import { ADMIN, PASSWORD, SECREGD, Site } from '../lib/site.ts'
import { Desk, openDesk } from './desk.ts'

// Each command line is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000 })

/** A documented command line: its words, its options, and what it prints. */
interface Documented {
  readonly words: readonly string[]
  readonly options: readonly (readonly string[])[]
  readonly prints: RegExp
  readonly input?: string
  /** Run before each. */
  readonly before?: readonly string[]
}

const JSON_LINE = /^\{.*\}\n$/

const DOCUMENTED: readonly Documented[] = [
  { words: ['get', '/w/a'], options: [['--json'], ['--decrypt']], prints: JSON_LINE },
  { words: ['get', '/w/enc'], options: [['--decrypt']], prints: /^hidden\n$/ },
  { words: ['set', '/w/int', '5'], options: [['--type', 'integer'], ['--encrypt']], prints: /^$/ },
  {
    words: ['set', '/w/bool', 'true'],
    options: [['--type=boolean'], ['--json']],
    prints: JSON_LINE,
  },
  {
    words: ['delete', '/w/gone'],
    options: [['--recursive']],
    prints: /^$/,
    before: ['set', '/w/gone/x', '1'],
  },
  { words: ['list', '/w'], options: [['--recursive'], ['--json']], prints: JSON_LINE },
  {
    words: ['audit'],
    options: [
      ['--user', ADMIN],
      ['--key=/w'],
      ['--action', 'write'],
      ['--since', '1h'],
      ['--limit', '1'],
      ['--json'],
    ],
    prints: /^\{"records":\[\{.*\}\]\}\n$/,
  },
  { words: ['status'], options: [['--json'], ['-v']], prints: JSON_LINE },
  { words: ['status'], options: [['-j']], prints: JSON_LINE },
  { words: ['whoami'], options: [['--verbose']], prints: /^User: / },
  {
    words: ['export'],
    options: [['--output', 'out.json'], ['--encrypt'], ['--password-stdin']],
    prints: /^$/,
    input: 'long enough words\n',
  },
  {
    words: ['import', 'sealed.json'],
    options: [['--decrypt'], ['--force'], ['--password-stdin']],
    prints: /^$/,
    input: 'long enough words\n',
  },
  { words: ['security', 'check'], options: [['--json']], prints: JSON_LINE },
  { words: ['login', ADMIN], options: [['--password-stdin']], prints: /^$/, input: PASSWORD },
]

/** Options in front of everything, behind everything, and one in each gap. */
function placements({ words, options }: Documented): string[][] {
  const gaps = words.length + 1
  const spread = [...words].map((word): string[] => [word])
  for (const [index, option] of options.entries()) {
    const gap = (index + 1) % gaps
    if (gap === 0) spread[0]?.unshift(...option)
    else spread[gap - 1]?.push(...option)
  }
  return [
    [...options.flat(), ...words],
    [...words, ...options.flat()],
    [...words, ...options.toReversed().flat()],
    spread.flat(),
  ]
}

test('weakness 56: every documented option in any position, on the program itself; others are refused', async () => {
  await using desk = await openDesk()
  await desk.ok('sreg set /w/a 1 && sreg set /w/enc hidden --encrypt')
  await desk.ok(
    'sreg export --encrypt --output sealed.json --password-stdin',
    'long enough words\n',
  )
  for (const documented of DOCUMENTED) {
    for (const args of placements(documented)) {
      if (documented.before !== undefined) await desk.sreg(documented.before)
      const { code, stdout, stderr } = await desk.sreg(args, documented.input)
      expect({ code, stderr }, args.join(' ')).toMatchObject({ code: 0 })
      expect(stdout, args.join(' ')).toMatch(documented.prints)
    }
  }
  expect(await desk.ok('sreg get /w/int --decrypt')).toBe('5\n')
  expect(await desk.ok('sreg get /w/int --json')).toContain('"encrypted":true')
  for (const args of [
    ['--socket', desk.site.socket, 'status'],
    ['status', '-s', desk.site.socket],
    ['-s', desk.site.socket, 'get', '/w/a'],
    ['get', `--socket=${desk.site.socket}`, '/w/a'],
  ]) {
    const child = desk.launch(args, undefined, { SECREG_SOCKET: '/nowhere' })
    expect((await child.exit).code, args.join(' ')).toBe(0)
  }
  for (const [args, message] of [
    [['get', '--bogus', '/w/a'], 'unknown option --bogus'],
    [['--bogus', 'get', '/w/a'], 'unknown option --bogus'],
    [['get', '/w/a', '-x'], 'unknown option -x'],
    [['get', '/w/a', '--recursive'], 'unknown option --recursive'],
    [['set', '/w/a', '2', '--typ', 'integer'], 'unknown option --typ; did you mean --type?'],
    [['set', '/w/a', '2', '--type', 'int'], 'must be one of string, integer'],
    [['set', '/w/a', '2', '--type'], 'option --type needs a value: TYPE'],
    [['set', '/w/a', '2', '3'], 'too many arguments'],
    [['audit', '--limit', '1', '--limit', '2'], 'option --limit is given twice'],
    [['get', '/w/a', '--json=yes'], 'takes no value'],
  ] as const) {
    const { code, stdout, stderr } = await desk.sreg(args)
    expect({ code, stdout }, args.join(' ')).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(message)
  }
  expect(await desk.ok('sreg get /w/a')).toBe('1\n')
})

test('weakness 57: get prints the value and a newline, --json one object, a failure nothing', async () => {
  await using desk = await openDesk()
  await desk.ok(`sreg set /v/text 'a "b" \\ ü' && sreg set /v/json '{"a": 1}' --type json`)
  await desk.ok('sreg set /v/control -', 'bell\x07 and \u202ered')
  expect(await desk.sh('sreg get /v/text')).toEqual({
    code: 0,
    signal: null,
    stdout: 'a "b" \\ ü\n',
    stderr: '',
  })
  expect(await desk.ok('sreg get /v/json')).toBe('{"a": 1}\n')
  const { stdout } = await desk.sh('sreg get /v/control --json')
  expect(stdout.split('\n')).toHaveLength(2)
  expect(stdout).not.toContain('\u202e')
  expect(JSON.parse(stdout)).toMatchObject({
    key: '/v/control',
    value: 'bell\x07 and \u202ered',
    type: 'string',
    encrypted: false,
    version: 1,
  })
  for (const [line, code] of [
    ['sreg get /v/none', 2],
    ['sreg get /v/../x', 1],
    ['sreg get', 1],
    ['sreg get /v/text --socket /nowhere', 6],
  ] as const) {
    await desk.fails(line, code, /^sreg: ./)
    const failed = await desk.sh(`${line} --json`)
    expect({ code: failed.code, stdout: failed.stdout }, line).toEqual({ code, stdout: '' })
    expect(JSON.parse(failed.stderr), line).toMatchObject({ code, reason: expect.any(String) })
  }
})

test('weakness 58: status with no daemon says so, and how to start it', async () => {
  await using desk = new Desk()
  for (const command of ['status', 'get /a', 'list /', 'login x --password-stdin', 'whoami']) {
    await desk.fails(
      `sreg ${command}`,
      6,
      /^sreg: no daemon listens at .*\/s; start the daemon with "secregd --config FILE" or "systemctl start secregd"\n/,
      'x\n',
    )
  }
  await desk.start()
  expect(await desk.ok('sreg status')).toMatch(/^Status: +running\n/)
  await desk.daemon?.kill('SIGKILL')
  // The file of the socket is still there, and nobody behind it.
  expect(existsSync(desk.site.socket)).toBe(true)
  await desk.fails('sreg status', 6, /no daemon listens at/)
  const json = await desk.sh('sreg status --json')
  expect(JSON.parse(json.stderr)).toMatchObject({ code: 6, reason: 'UNREACHABLE' })
})

test('weakness 59: import of a missing or garbled file fails, and nothing is changed', async () => {
  await using desk = await openDesk()
  await desk.ok('sreg set /keep 1')
  await desk.ok('sreg export --output good.json')
  const good = readFileSync(desk.path('good.json'), 'utf8')
  const revision = () => desk.ok('sreg get /keep --json')
  const before = await revision()
  desk.file('empty', '')
  desk.file('binary', Buffer.from([0xff, 0xfe, 0, 1]))
  desk.file('half.json', good.slice(0, -20))
  desk.file('other.json', '{"a":1}')
  desk.file('array.json', '[1]')
  desk.file('null.json', 'null')
  desk.file('version.json', good.replace('"version":1,"created"', '"version":2,"created"'))
  desk.file('no-sum.json', good.replace(/,"sha256":"\w+"/, ''))
  desk.file('value.json', good.replace('"value":"1"', '"value":"2"'))
  desk.file('bad-key.json', good.replace('"/keep"', '"/a/../keep"'))
  desk.file('type.json', good.replace('"type":"string"', '"type":"strange"'))
  mkdirSync(desk.path('empty-dir'))
  for (const [file, code] of [
    ['absent.json', 2],
    ['absent.json --format dotenv', 2],
    ['good.json/x', 2],
    ...['empty', 'binary', 'half.json', 'other.json', 'array.json', 'null.json'].map(
      (name) => [name, 1] as const,
    ),
    ...['version.json', 'no-sum.json', 'value.json', 'bad-key.json', 'type.json'].map(
      (name) => [`${name} --force`, 1] as const,
    ),
    ['empty-dir', 1],
    ['good.json --format tree', 1],
    ['empty --format dotenv', 1],
    ['half.json --format json', 1],
    ['array.json --format json', 1],
  ] as const) {
    await desk.fails(`sreg import ${file}`, code, /^sreg: ./)
  }
  expect(await revision()).toBe(before)
  expect(await desk.ok('sreg list / --recursive')).toBe('/keep\n')
})

test('weakness 60: export writes a private file where it is told to, whole, and follows no link', async () => {
  await using desk = await openDesk()
  await desk.ok('sreg set /a 1 && sreg set /s secret --encrypt')
  for (const umask of ['000', '077']) {
    await desk.ok(`umask ${umask}; sreg export --with-secrets --output out.${umask}`)
    expect(statSync(desk.path(`out.${umask}`)).mode & 0o777).toBe(0o600)
  }
  // One that was open to others is so no longer.
  desk.file('open', 'old')
  chmodSync(desk.path('open'), 0o666)
  await desk.ok('sreg export --output open')
  expect(statSync(desk.path('open')).mode & 0o777).toBe(0o600)
  desk.file('victim', 'untouched')
  symlinkSync(desk.path('victim'), desk.path('link'))
  symlinkSync(desk.path('nothing'), desk.path('dangling'))
  await desk.fails('sreg export --output link', 1, /link is a symbolic link/)
  await desk.fails('sreg export --output dangling', 1, /dangling is a symbolic link/)
  await desk.fails('sreg export --output bin', 1, /bin is not a regular file/)
  await desk.fails('sreg export --output no/such/file', 2, /no\/such/)
  expect(readFileSync(desk.path('victim'), 'utf8')).toBe('untouched')
  expect(existsSync(desk.path('nothing'))).toBe(false)
  // Without a name it goes to standard output, and to no file at all.
  const before = readdirSync(desk.site.home.path)
  const temporary = new Set(readdirSync('/tmp').filter((name) => name.includes('secreg_export')))
  expect(JSON.parse(await desk.ok('sreg export')).entries).toHaveLength(1)
  expect(readdirSync(desk.site.home.path)).toEqual(before)
  expect(readdirSync('/tmp').filter((name) => name.includes('secreg_export'))).toEqual([
    ...temporary,
  ])
  expect(before.filter((name) => name.startsWith('.'))).toEqual([])
  expect(JSON.parse(readFileSync(desk.path('out.077'), 'utf8')).entries).toHaveLength(2)
})

test('weakness 62: one policy for passwords, whichever way one is set', async () => {
  await using desk = new Desk()
  await desk.start()
  const weak: [string, RegExp][] = [
    ['Short-1-xyz', /at least 12 characters/],
    [`Aa1-${'x'.repeat(125)}`, /at most 128 characters/],
    ['onlylowercase', /three of/],
    ['My-Password-99', /may not contain/],
    ['Xy-123456-zzz', /may not contain/],
    ['QWERTY-uiop-77', /may not contain/],
  ]
  const good = { passphrase: 'long words that nobody guesses', password: PASSWORD }
  for (const [password, message] of weak) {
    await desk.fails(
      'sreg init --admin "$ADMIN" --password-stdin',
      1,
      message,
      `${good.passphrase}\n${password}\n`,
    )
  }
  await desk.fails(
    'sreg init --admin "$ADMIN" --password-stdin',
    1,
    /passphrase/,
    `short\n${good.password}\n`,
  )
  expect(await desk.ok('sreg status')).toContain('uninitialized')
  await desk.ok('sreg init --admin "$ADMIN" --password-stdin < secrets')
  await desk.ok('sreg login "$ADMIN" --password-stdin < password')
  await desk.ok('sreg user add bob --roles user --password-stdin', 'Battery-Staple-9\n')
  for (const [password, message] of weak) {
    await desk.fails('sreg user add eve --password-stdin', 1, message, `${password}\n`)
    await desk.fails('sreg user password bob --password-stdin', 1, message, `${password}\n`)
    await desk.fails('sreg passwd --password-stdin', 1, message, `${PASSWORD}\n${password}\n`)
  }
  // Neither is taken from the arguments.
  await desk.fails(`sreg login ${ADMIN} ${PASSWORD}`, 1, /too many arguments/)
  await desk.fails(`sreg login ${ADMIN} --password ${PASSWORD}`, 1, /unknown option --password/)
  const users = await desk.ok('sreg user list')
  expect(users).not.toContain('eve')
  await desk.ok('sreg login bob --password-stdin', 'Battery-Staple-9\n')
  await desk.ok('sreg login "$ADMIN" --password-stdin < password')
})

test('weakness 63: an unknown or ill-typed key of the configuration stops the start with file and line', async () => {
  for (const [text, message] of [
    ['[databse]\npath = "/x"', ':2: unknown key "databse.path"; did you mean "database.path"?'],
    [
      '# a\n\n[socket]\nbaklog = 1',
      ':4: unknown key "socket.baklog"; did you mean "socket.backlog"?',
    ],
    ['[session]\ntimeout = "3600"', ':2: session.timeout: expected an integer'],
    ['[session]\nmax_per_user = 5.0', ':2: session.max_per_user: expected an integer'],
    ['[session]\nmax_per_user = 0', ':2: session.max_per_user: expected an integer from 1'],
    ['[security]\nrequire_mfa = "no"', ':2: security.require_mfa: expected true or false'],
    ['[security]\nrate_limit_attempts = -1', ':2: security.rate_limit_attempts: expected'],
    [
      '[audit]\nretention_days = 366',
      ':2: audit.retention_days: expected an integer from 1 to 365',
    ],
    ['[audit]\npath = "log"', ':2: audit.path: expected an absolute path'],
    ['database = 1', ':1: '],
    ['[audit]\npath = "/a"\npath = "/b"', ':3'],
  ] as const) {
    await using site = new Site()
    const file = site.home.write('wrong.toml', text)
    const { code, stdout, stderr } = await runNode(SECREGD, ['--config', file])
    expect({ code, stdout }, text).toEqual({ code: 1, stdout: '' })
    expect(stderr, text).toContain(`${file}${message}`)
    expect(readdirSync(site.home.path).sort()).toEqual(['config.toml', 'wrong.toml'])
  }
})

test('weakness 63: an empty configuration means the documented defaults', async (context) => {
  await using desk = new Desk()
  desk.file('empty.toml', '')
  // The documented places belong to the machine; here, a view of it in which they are empty.
  const script = `set -e
    mount -t tmpfs none /run; mount -t tmpfs none /var/lib; mount -t tmpfs none /var/log
    mkdir -m 755 /run/secreg
    unset SECREG_SOCKET
    "$NODE" "$SECREGD" --config empty.toml 2>/run/log & daemon=$!
    trap 'kill $daemon; wait $daemon || true' EXIT
    until grep -q '"event":"ready"' /run/log; do kill -0 $daemon; sleep 0.05; done
    stat -c '%n %a' /run/secreg/socket /var/lib/secreg /var/log/secreg
    sreg init --admin "$ADMIN" --password-stdin < secrets
    # Five sessions of a user live; the sixth ends the first.
    for i in 1 2 3 4 5 6; do
      XDG_RUNTIME_DIR=$PWD/r$i sreg login "$ADMIN" --password-stdin < password
    done
    for i in 1 2 6; do XDG_RUNTIME_DIR=$PWD/r$i sreg whoami >/dev/null && echo $i; done || true
    XDG_RUNTIME_DIR=$PWD/r6 sreg status
    # Five failures lock, for at most 300 s.
    for i in 1 2 3 4 5 6; do sreg login somebody --password-stdin < passphrase || true; done`
  const probe = await runChild('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/run'])
  if (probe.code !== 0) skipTest(context, 'no private view of the file system (unshare -rm)')
  const { code, stdout, stderr } = await runChild('unshare', ['-rm', 'sh', '-c', script], {
    cwd: desk.site.home.path,
    env: { ...desk.env, NODE: process.execPath, SECREGD },
    timeoutMs: 150_000,
  })
  expect(code, stderr).toBe(0)
  expect(stdout).toMatch(
    /^\/run\/secreg\/socket 660\n\/var\/lib\/secreg 700\n\/var\/log\/secreg 700\n2\n6\n/,
  )
  expect(stdout).toMatch(/^Socket: +\/run\/secreg\/socket$/m)
  expect(stdout).toMatch(/^Database: +\/var\/lib\/secreg$/m)
  expect(stdout).toMatch(/^Audit: +\/var\/log\/secreg$/m)
  const logins = stderr.split('\n').slice(-13)
  expect(logins.filter((line) => /try again in (?:300|29\d) s/.test(line)).length).toBeGreaterThan(
    0,
  )
  expect(logins.filter((line) => line.includes('check the name and the password')).length).toBe(5)
})
