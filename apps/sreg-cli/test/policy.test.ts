import { describe, expect, test } from 'vitest'
import { makeWorld, type World } from './harness.ts'

const ESC = '\u001b'
const last = ({ registry }: World): unknown => registry.asked.at(-1)?.payload
const rule = (name: string, more: object = {}): object => ({
  rule: name,
  effect: 'allow',
  applies: true,
  unmet: [],
  ...more,
})

describe('what is asked', () => {
  test.each([
    [['list'], { op: 'list' }],
    [['list', '--homes'], { op: 'list', homes: true }],
    [['what-can'], { op: 'what-can' }],
    [['what-can', 'alice'], { op: 'what-can', user: 'alice' }],
    [
      ['what-can', '--principal', 'role:operator', '--principal', 'uid:33', '--no-mfa'],
      { op: 'what-can', principals: ['role:operator', 'uid:33'], context: { mfa: false } },
    ],
    [['explain', 'read', '/a'], { op: 'explain', action: 'read', resource: '/a' }],
    [
      [
        'explain',
        'decrypt',
        '/a',
        '--user',
        'alice',
        '--ip',
        '10.0.0.7',
        '--mfa',
        '--door',
        'http',
        '--proof',
        'kernel',
        '--purpose',
        'execute',
        '--time',
        '2026-01-31T09:00Z',
      ],
      {
        op: 'explain',
        action: 'decrypt',
        resource: '/a',
        user: 'alice',
        context: {
          ip: '10.0.0.7',
          mfa: true,
          door: 'http',
          proof: 'kernel',
          purpose: 'execute',
          time_ms: Date.UTC(2026, 0, 31, 9),
        },
      },
    ],
    [
      ['who-can', 'read', '/a', '--time', '1700000000'],
      {
        op: 'who-can',
        action: 'read',
        resource: '/a',
        context: { time_ms: 1_700_000_000_000 },
      },
    ],
    [
      ['who-can', 'read', '/libvirt/a', '--usage', 'volume:/dev/vg/a:b'],
      {
        op: 'who-can',
        action: 'read',
        resource: '/libvirt/a',
        context: { usage: { type: 'volume', id: '/dev/vg/a:b' } },
      },
    ],
    [['what-can', '--usage', 'none'], { op: 'what-can', context: { usage: { type: 'none' } } }],
    [['lint'], { op: 'lint' }],
    [['diff', '--delete', 'web'], { op: 'diff', policy: 'web' }],
    [['delete', 'web'], { op: 'delete', policy: 'web' }],
    [['delete', 'web', '--if-revision', '7'], { op: 'delete', policy: 'web', if_revision: 7 }],
    [['delete', 'web', '--dry-run'], { op: 'diff', policy: 'web' }],
  ])('%j', async (args, payload) => {
    const world = await makeWorld()
    world.registry.answers.set('policy', {
      decisions: [{ decision: 'allow', reason: 'allowed', rules: [] }],
    })
    const { code, stderr } = await world.sreg(['policy', ...args])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(last(world)).toEqual(payload)
    expect(world.registry.asked).toHaveLength(1)
  })

  test.each([
    [['explain', 'reed', '/a'], 'did you mean read?'],
    [['explain', 'read'], '<path> is missing'],
    [['explain', 'alice', 'read', '/a'], 'too many arguments'],
    [['explain', 'read', '/a', '--user', 'a', '--principal', 'role:b'], 'not both'],
    [['explain', 'read', '/a', '--mfa', '--no-mfa'], 'exclude each other'],
    [['explain', 'read', '/a', '--proof', 'none'], 'must be one of credential'],
    [['explain', 'read', '/a', '--time', 'soon'], 'not a time'],
    [['what-can', 'alice', '--principal', 'role:b'], 'not both'],
    [['who-can', 'read', '/a', '--user', 'alice'], 'unknown option --user'],
    [['diff'], 'give a file, or --delete ID'],
    [['diff', 'file', '--delete', 'web'], 'give a file, or --delete ID'],
    [['delete'], '<id> is missing'],
    [['get', 'web', '--format', 'hcl'], 'must be one of json, toml'],
    [['set'], '<file> is missing'],
    [['delete', 'web', '--if-revision', '-1'], '--if-revision'],
    [['who'], 'did you mean who-can?'],
  ])('%j is refused, and nothing is asked', async (args, message) => {
    const { registry, sreg } = await makeWorld()
    const { code, stdout, stderr } = await sreg(['policy', ...args])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(message)
    expect(registry.asked).toEqual([])
  })

  test.each([
    ['NOT_FOUND', 2, 'run: sreg policy list'],
    ['USER_NOT_FOUND', 2, 'run: sreg user list'],
    ['ACCESS_DENIED', 3, 'ask an administrator'],
    ['GRANT_EXCEEDED', 3, 'nobody grants what he lacks'],
    ['LAST_ADMINISTRATOR', 6, 'give somebody else the right to administer'],
    ['VERSION_CONFLICT', 6, 'somebody else changed it'],
    ['PRINCIPAL_UNKNOWN', 1, 'sreg role list'],
    ['POLICY_INVALID', 1, 'nothing was changed'],
  ] as const)('%s tells what to do', async (reason, exit, hint) => {
    const { registry, sreg } = await makeWorld()
    registry.failures.set('policy', reason)
    const { code, stdout, stderr } = await sreg(['policy', 'delete', 'web'])
    expect({ code, stdout }).toEqual({ code: exit, stdout: '' })
    expect(stderr).toContain(hint)
  })
})

describe('explain', () => {
  const denied = {
    decision: 'deny',
    reason: 'condition not met',
    rules: [
      rule('web/read', {
        applies: false,
        unmet: [
          { clause: 'when', condition: 'mfa', wants: 'true' },
          { clause: 'when', condition: 'ip', wants: '10.0.0.0/8', unknown: true },
          { clause: 'unless', condition: 'door', wants: 'http' },
        ],
      }),
      rule('base/night', { effect: 'deny' }),
    ],
  }

  test('tells in words why not', async () => {
    const { registry, sreg } = await makeWorld()
    registry.answers.set('policy', { decisions: [denied] })
    expect(await sreg(['policy', 'explain', 'read', '/app/x'])).toEqual({
      code: 0,
      stdout: [
        'You may not read /app/x: condition not met',
        'Rule        Effect  Here',
        'web/read    allow   does not apply: when mfa wants true; when ip wants 10.0.0.0/8 (not known); unless door is http',
        'base/night  deny    applies\n',
      ].join('\n'),
      stderr: '',
    })
    const json = await sreg(['policy', 'explain', 'read', '/app/x', '--json'])
    expect(JSON.parse(json.stdout)).toEqual(denied)
  })

  test('a reason cannot drive the terminal', async () => {
    const { registry, sreg } = await makeWorld()
    const reason = `x${ESC}[2J\nYou may read /app/x`
    registry.answers.set('policy', { decisions: [{ decision: 'deny', reason, rules: [] }] })
    expect((await sreg(['policy', 'explain', 'read', '/app/x'])).stdout).toBe(
      'You may not read /app/x: x\\u{1b}[2J\\u{0a}You may read /app/x\n',
    )
  })

  test('--exit-code ends with 3 when it is denied, and only then', async () => {
    const { registry, sreg } = await makeWorld()
    const args = ['policy', 'explain', 'read', '/a', '--user', 'alice']
    registry.answers.set('policy', { decisions: [denied] })
    expect((await sreg(args)).code).toBe(0)
    expect((await sreg([...args, '--exit-code'])).code).toBe(3)
    const allowed = { decision: 'allow', reason: 'allowed', rules: [] }
    registry.answers.set('policy', { decisions: [allowed] })
    expect(await sreg([...args, '--exit-code'])).toEqual({
      code: 0,
      stdout: 'alice may read /a\n',
      stderr: '',
    })
    const others = [
      'policy',
      'explain',
      'read',
      '/a',
      '--principal',
      'role:b',
      '--principal',
      'c:d',
    ]
    expect((await sreg(others)).stdout).toBe('role:b, c:d may read /a\n')
    registry.answers.set('policy', { decisions: [{ ...allowed, decision: 'maybe' }] })
    expect((await sreg([...args, '--exit-code'])).code).toBe(3)
    registry.answers.set('policy', {})
    expect(await sreg(args)).toMatchObject({ code: 7, stdout: '' })
  })
})

describe('lists', () => {
  test('of policies, of who can, of what somebody can, of findings', async () => {
    const { registry, sreg } = await makeWorld()
    const evil = `x${ESC}[2J\ny`
    registry.answers.set('policy', {
      policies: [{ policy: evil, description: evil, source: 'native', rules: 2, revision: 9 }],
      grants: [
        { principal: 'user:alice', account: 'a1', rules: ['web/read'] },
        { principal: evil, rules: [evil] },
      ],
      abilities: [
        { ...rule('web/read'), resources: ['/a/**', evil], actions: ['read', 'list'] },
        { ...rule('web/x', { applies: false }), resources: [evil], actions: [] },
      ],
      findings: [{ code: 'shadowed', severity: 'warning', rule: evil, message: evil }],
      changes: [
        {
          principals: [evil],
          actions: ['read'],
          resource: evil,
          patterns: [evil],
          before: { decision: 'deny', rules: [] },
          after: { decision: evil, rules: [evil] },
        },
      ],
      complete: false,
    })
    for (const [args, rows, heading] of [
      [['list'], 1, 'Policy'],
      [['who-can', 'read', '/a'], 2, 'Who'],
      [['what-can'], 2, 'Effect'],
      [['lint'], 1, 'Severity'],
      [['diff', '--delete', 'web'], 1, 'Who'],
    ] as const) {
      const { code, stdout } = await sreg(['policy', ...args])
      expect(code).toBe(0)
      expect(stdout).not.toContain(ESC)
      expect(stdout.trimEnd().split('\n'), args.join(' ')).toHaveLength(rows + 1)
      expect(stdout.startsWith(heading)).toBe(true)
      const json = await sreg(['policy', ...args, '--json'])
      expect(json.stdout).not.toContain(ESC)
      expect(() => JSON.parse(json.stdout)).not.toThrow()
    }
    expect((await sreg(['policy', 'diff', '--delete', 'web'])).stderr).toContain(
      'there may be more',
    )
  })

  test('of policies in pages are read to the end', async () => {
    const { registry, sreg } = await makeWorld()
    const info = { source: 'native', rules: 1, revision: 1 }
    registry.answering.set('policy', () => {
      const { after } = registry.asked.at(-1)?.payload ?? {}
      return after === undefined
        ? { policies: [{ policy: 'a', ...info }], next: 'a' }
        : { policies: [{ policy: 'b', ...info }] }
    })
    const { stdout } = await sreg(['policy', 'list', '--homes'])
    expect(stdout.match(/^[ab] /gm)).toHaveLength(2)
    expect(registry.asked.at(-1)?.payload).toEqual({ op: 'list', homes: true, after: 'a' })
  })

  test('that are not complete say so', async () => {
    const { registry, sreg } = await makeWorld()
    registry.answers.set('policy', { grants: [], complete: false })
    const { stdout, stderr } = await sreg(['policy', 'who-can', 'read', '/a'])
    expect({ stdout, told: stderr.includes('there may be more') }).toEqual({
      stdout: 'nobody\n',
      told: true,
    })
    const json = await sreg(['policy', 'who-can', 'read', '/a', '-j'])
    expect(JSON.parse(json.stdout)).toEqual({ grants: [], complete: false })
  })

  test('that are empty say so', async () => {
    const { registry, sreg } = await makeWorld()
    registry.answers.set('policy', {})
    for (const [args, text] of [
      [['who-can', 'read', '/a'], 'nobody\n'],
      [['what-can'], 'nothing\n'],
      [['lint'], 'nothing found\n'],
      [['diff', '--delete', 'web'], 'nothing would be decided otherwise\n'],
    ] as const) {
      expect(await sreg(['policy', ...args])).toEqual({ code: 0, stdout: text, stderr: '' })
    }
  })

  test.each([
    ['warning', ['--exit-code'], 1],
    ['warning', [], 0],
    ['error', ['--exit-code'], 1],
    ['info', ['--exit-code'], 0],
  ])('lint with a %s and %j ends with %i', async (severity, more, exit) => {
    const { registry, sreg } = await makeWorld()
    const findings = [{ code: 'shadowed', severity, rule: 'a/b', by: ['a/c'], message: 'm' }]
    registry.answers.set('policy', { findings })
    const { code, stdout } = await sreg(['policy', 'lint', ...more])
    expect(code).toBe(exit)
    expect(stdout).toContain(' a/b   a/c         m\n')
  })
})

describe('get', () => {
  const document = {
    id: 'web',
    description: `a${ESC}\u202eb`,
    rules: [{ id: 'r', effect: 'allow', principals: ['*'], actions: ['read'], resources: ['/a'] }],
  }

  test.each(['json', 'toml'] as const)(
    'as %s reads back as the same document, without a control character',
    async (format) => {
      const { parsePolicyText } = await import('@secreg/policy-text')
      const { registry, sreg } = await makeWorld()
      registry.answers.set('policy', { document, revision: 7 })
      const args = ['policy', 'get', 'web', '--format', format]
      const { code, stdout, stderr } = await sreg(args)
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).not.toContain(ESC)
      expect(stdout).not.toContain('\u202e')
      expect(parsePolicyText(stdout, { format }).document).toEqual(document)
      expect((await sreg([...args, '-v'])).stderr).toBe('sreg: revision 7\n')
    },
  )

  test('is JSON by default; --json has the revision beside it', async () => {
    const { registry, sreg } = await makeWorld()
    registry.answers.set('policy', { document, revision: 7 })
    expect(JSON.parse((await sreg(['policy', 'get', 'web'])).stdout)).toEqual(document)
    const json = await sreg(['policy', 'get', 'web', '--json'])
    expect(JSON.parse(json.stdout)).toEqual({ document, revision: 7 })
    registry.answers.set('policy', { revision: 7 })
    expect(await sreg(['policy', 'get', 'web'])).toMatchObject({ code: 7, stdout: '' })
    registry.answers.set('policy', { document: { id: 'web', rules: [null] }, revision: 7 })
    expect(await sreg(['policy', 'get', 'web', '--format', 'toml'])).toMatchObject({
      code: 1,
      stdout: '',
    })
  })
})
