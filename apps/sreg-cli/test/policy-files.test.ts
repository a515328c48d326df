import { describe, expect, test } from 'vitest'
import { makeWorld, type World } from './harness.ts'

const last = ({ registry }: World): unknown => registry.asked.at(-1)?.payload
const document = {
  id: 'web',
  rules: [
    { id: 'r', effect: 'allow', principals: ['user:alice'], actions: ['read'], resources: ['/a'] },
  ],
}
const JSON_TEXT = JSON.stringify(document, null, 2)
const TOML_TEXT = `# who may read
id = "web"

[[rules]]
id = "r"
effect = "allow"
principals = ["user:alice"]
actions = ["read"]
resources = ["/a"]
`

describe('set', () => {
  test.each([
    ['web.json', JSON_TEXT, []],
    ['web.toml', TOML_TEXT, []],
    ['web.TOML', TOML_TEXT, []],
    ['policy', JSON_TEXT, []],
    ['policy', TOML_TEXT, []],
    ['odd.json', TOML_TEXT, ['--format', 'toml']],
  ])('a file %s of %j', async (name, text, more) => {
    const world = await makeWorld()
    world.registry.answers.set('policy', { revision: 12 })
    const file = world.home.write(name, text)
    expect(await world.sreg(['policy', 'set', file, ...more])).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
    expect(last(world)).toEqual({ op: 'set', document })
    expect(world.registry.asked).toHaveLength(1)
  })

  test.each([JSON_TEXT, TOML_TEXT])('standard input', async (input) => {
    const world = await makeWorld()
    world.registry.answers.set('policy', { revision: 12 })
    const args = ['policy', 'set', '-', '--if-revision', '0', '--json']
    const { code, stdout } = await world.sreg(args, { input })
    expect({ code, answer: JSON.parse(stdout) }).toEqual({
      code: 0,
      answer: { success: true, revision: 12 },
    })
    expect(last(world)).toEqual({ op: 'set', document, if_revision: 0 })
  })

  test('--dry-run only asks what would change', async () => {
    const world = await makeWorld()
    const change = { principals: ['user:alice', '*'], actions: ['read'], resource: '/a/x' }
    const [before, after] = [
      { decision: 'deny', rules: [] },
      { decision: 'conditional', rules: ['web/r'] },
    ]
    const changes = [{ ...change, patterns: ['/a/**'], before, after }]
    world.registry.answers.set('policy', { changes, complete: true })
    const file = world.home.write('web.json', JSON_TEXT)
    const { code, stdout, stderr } = await world.sreg(['policy', 'set', file, '--dry-run'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe(
      [
        'Who            Actions  Where  For example  Before  After',
        'user:alice, *  read     /a/**  /a/x         deny    conditional (web/r)\n',
      ].join('\n'),
    )
    expect(world.registry.asked.map(({ payload }) => payload)).toEqual([{ op: 'diff', document }])
    await world.sreg(['policy', 'diff', file])
    expect(last(world)).toEqual({ op: 'diff', document })
    await world.sreg(['policy', 'lint', file])
    expect(last(world)).toEqual({ op: 'lint', document })
  })

  test.each([
    ['web.json', '{"id":"web","rules":[}', '1:22: '],
    ['web.json', '{\n  "id": "web",\n  "id": "db",\n  "rules": []\n}', '3:3: '],
    ['web.json', JSON_TEXT.replace('"read"', '"reed"'), '11:9: '],
    ['web.json', JSON_TEXT.replace('"effect"', '"efect"'), '6:7: '],
    ['web.toml', 'id = "web"\nrules = [\n', ': '],
    ['web.toml', TOML_TEXT.replace('"read"', '"reed"'), '8:12: '],
    ['web.toml', `${TOML_TEXT}color = "red"\n`, '10:1: '],
    ['web.toml', `${TOML_TEXT}\n[rules.when]\nmoon = "full"\n`, '12:1: '],
    ['web.json', '[]', '1:1: it has to be an object'],
    ['web.json', '"web"', '1:1: it has to be an object'],
    ['web.json', '', '1:1: '],
    ['web.json', Uint8Array.of(0x7b, 0xff, 0x7d), 'is not UTF-8 text'],
  ])('a mistake in %s names line and column: %j', async (name, text, place) => {
    const { home, registry, sreg } = await makeWorld()
    const file = home.write(name, text as string)
    for (const args of [
      ['set', file],
      ['set', file, '--dry-run'],
      ['diff', file],
      ['lint', file],
    ]) {
      const { code, stdout, stderr } = await sreg(['policy', ...args])
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toContain(`sreg: ${file}`)
      expect(stderr).toContain(place)
      expect(stderr).toContain('nothing was changed')
    }
    expect(registry.asked).toEqual([])
  })

  test('a mistake cannot drive the terminal', async () => {
    const { home, sreg } = await makeWorld()
    const text = JSON_TEXT.replace('"read"', '"x\\u001b[2J\\nsreg: all is well"')
    const { stderr } = await sreg(['policy', 'set', home.write('web.json', text)])
    expect(stderr).not.toContain('\u001b')
    expect(stderr).not.toMatch(/^sreg: all/m)
    const named = await sreg(['policy', 'set', home.write('x\u001b[2J\nsreg: all is well', '{')])
    expect(named).toMatchObject({ code: 1, stdout: '' })
    expect(named.stderr).toContain('x\\u{1b}[2J\\u{0a}sreg: all is well:1:1: ')
  })

  test.each([
    ['nothing.json', 2, 'does not exist'],
    ['.', 1, 'is a directory'],
  ])('the file %s cannot be read', async (name, exit, message) => {
    const { home, registry, sreg } = await makeWorld()
    const { code, stderr } = await sreg(['policy', 'set', home.file(name)])
    expect(code).toBe(exit)
    expect(stderr).toContain(message)
    expect(registry.asked).toEqual([])
  })

  test('a text that is too large is refused before it is parsed', async () => {
    const { registry, sreg } = await makeWorld()
    const input = ' '.repeat(1024 * 1024 + 1)
    const { code, stderr } = await sreg(['policy', 'set', '-'], { input })
    expect(code).toBe(1)
    expect(stderr).toContain('exceeds 1048576 bytes')
    expect(registry.asked).toEqual([])
  })

  test('what only the daemon knows is its own word', async () => {
    const { home, registry, sreg } = await makeWorld()
    registry.failures.set('policy', 'PRINCIPAL_UNKNOWN')
    const { code, stderr } = await sreg(['policy', 'set', home.write('web.json', JSON_TEXT)])
    expect(code).toBe(1)
    expect(stderr).toContain('refused: PRINCIPAL_UNKNOWN\n  see: sreg user list')
  })

  test.each([
    ['set', []],
    ['set', ['--dry-run']],
    ['diff', []],
    ['lint', []],
  ])(
    'where the daemon finds a mistake is told by line and column: %s %j',
    async (command, more) => {
      const { home, registry, sreg } = await makeWorld()
      registry.failures.set('policy', 'PRINCIPAL_UNKNOWN')
      registry.pointer = '/rules/0/principals/0'
      const file = home.write('web.toml', TOML_TEXT)
      const { code, stderr } = await sreg(['policy', command, file, ...more])
      expect(code).toBe(1)
      expect(stderr).toContain(`${file}:7:15: refused: PRINCIPAL_UNKNOWN\n  see: sreg user list`)
    },
  )
})

describe('test', () => {
  const CASES = `
[[documents]]
id = "web"
[[documents.rules]]
id = "r"
effect = "allow"
principals = ["role:web"]
actions = ["read"]
resources = ["/a/**"]

[[requests]]
user = "alice"
action = "read"
resource = "/a/b"
expect = "allow"

[[requests]]
principals = ["role:web"]
action = "delete"
resource = "/a/b"
expect = "deny"
context = { ip = "10.0.0.1", mfa = true, door = "http", proof = "kernel", purpose = "execute", time = "2026-01-31T09:00Z" }

[[requests]]
action = "read"
resource = "/c"
`

  test('sends what the file says, and tells what is not as expected', async () => {
    const world = await makeWorld()
    const allowed = { rule: 'web/r', effect: 'allow', applies: true, unmet: [] }
    const decisions = [
      { decision: 'allow', reason: 'allowed', rules: [allowed], as_expected: true },
      { decision: 'allow', reason: 'allowed', rules: [allowed], as_expected: false },
      { decision: 'deny', reason: 'no rule allows it', rules: [] },
    ]
    world.registry.answers.set('policy', { decisions })
    const file = world.home.write('cases.toml', CASES)
    expect(await world.sreg(['policy', 'test', file])).toEqual({
      code: 1,
      stdout: [
        'As expected  Who       Action  Resource  Decision  Why',
        'yes          alice     read    /a/b      allow     allowed: web/r',
        'NO           role:web  delete  /a/b      allow     allowed: web/r',
        '-            You       read    /c        deny      no rule allows it\n',
      ].join('\n'),
      stderr: 'sreg: 1 of 3 not as expected\n',
    })
    expect(last(world)).toEqual({
      op: 'test',
      documents: [
        {
          id: 'web',
          rules: [
            {
              id: 'r',
              effect: 'allow',
              principals: ['role:web'],
              actions: ['read'],
              resources: ['/a/**'],
            },
          ],
        },
      ],
      requests: [
        { user: 'alice', action: 'read', resource: '/a/b', expect: 'allow' },
        {
          principals: ['role:web'],
          action: 'delete',
          resource: '/a/b',
          expect: 'deny',
          context: {
            ip: '10.0.0.1',
            mfa: true,
            door: 'http',
            proof: 'kernel',
            purpose: 'execute',
            time_ms: Date.UTC(2026, 0, 31, 9),
          },
        },
        { action: 'read', resource: '/c' },
      ],
    })
    const json = await world.sreg(['policy', 'test', file, '--json'])
    expect(json.code).toBe(1)
    expect(JSON.parse(json.stdout)).toEqual({ ok: false, decisions })
    const [first, , third] = decisions
    world.registry.answers.set('policy', { decisions: [first, first, third] })
    expect(await world.sreg(['policy', 'test', file])).toMatchObject({ code: 0, stderr: '' })
    world.registry.answers.set('policy', { decisions: decisions.slice(1) })
    expect(await world.sreg(['policy', 'test', file])).toMatchObject({ code: 7, stdout: '' })
  })

  test.each([
    ['{"requests":[]}', '1:2: it has no request'],
    ['{}', '1:1: member "requests" is missing'],
    ['{"requests":{}}', '1:2: it has to be a list'],
    ['{"requests":[3]}', '1:14: it has to be an object'],
    ['{"requests":[{"action":"read"}]}', '1:14: member "resource" is missing'],
    ['{"requests":[{"action":"read","resource":"/a","expct":"allow"}]}', '1:47: unknown member'],
    [
      '{"requests":[{"action":"read","resource":"/a","expect":"yes"}]}',
      '1:47: it has to be one of',
    ],
    ['{"requests":[{"action":1,"resource":"/a"}]}', '1:15: it has to be a text'],
    [
      '{"requests":[{"user":"a","principals":[],"action":"read","resource":"/a"}]}',
      '1:26: "user" and "principals" exclude each other',
    ],
    [
      '{"requests":[{"action":"read","resource":"/a","context":{"mfa":"yes"}}]}',
      '1:58: it has to be true or false',
    ],
    [
      '{"requests":[{"action":"read","resource":"/a","context":{"time":"soon"}}]}',
      '1:58: not a time: "soon"',
    ],
    [
      '{"requests":[{"action":"read","resource":"/a","context":{"a/b~c":1}}]}',
      '1:58: unknown member; known are ip',
    ],
    ['{"policies":[],"requests":[]}', '1:2: unknown member; known are documents, requests'],
    [
      '{"documents":[{"id":"a","rules":"x"}],"requests":[{"action":"read","resource":"/a"}]}',
      '1:25: ',
    ],
  ])('%s is refused with its place', async (input, place) => {
    const { registry, sreg } = await makeWorld()
    const { code, stdout, stderr } = await sreg(['policy', 'test', '-'], { input })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(`sreg: standard input:${place}`)
    expect(registry.asked).toEqual([])
  })
})
