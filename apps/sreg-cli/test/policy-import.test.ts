import { describe, expect, test } from 'vitest'
import { makeWorld, type World } from './harness.ts'

const last = ({ registry }: World): unknown => registry.asked.at(-1)?.payload
const world = async (): Promise<World> => {
  const made = await makeWorld()
  made.registry.answers.set('policy', { revision: 3 })
  return made
}

const HCL = `# reads of the pipeline
path "secret/data/ci/*" {
  capabilities = ["read"]
}
`
const VAULT = { path: { 'secret/data/ci/*': { capabilities: ['read'] } } }
const CI = ['--principal', 'group:ci', '--mount', '/kv/secret']
const RULES = [{ action: ['get'], secret: ['prod/*'] }]
const ACLS = {
  '/app/web': {
    owner: 'alice',
    permissions: [{ principal_type: 'group', principal_name: 'web', actions: ['read'] }],
    inheritance: { mode: 'all', depth: 0 },
  },
}
const LIBVIRT = [{ permissions: ['secret:getattr'], secrets: ['*'] }]

describe('import', () => {
  test.each([
    [
      'vault as HCL',
      'ci.hcl',
      HCL,
      ['--format', 'vault', ...CI],
      {
        id: 'ci',
        source: 'vault',
        principals: ['group:ci'],
        mount: '/kv/secret',
        apiMount: 'secret',
        policies: [{ name: 'ci', ...VAULT }],
      },
    ],
    [
      'vault as JSON, with names of its own',
      'ci.json',
      JSON.stringify(VAULT),
      ['--format', 'vault', ...CI, '--id', 'pipeline', '--api-mount', 'kv'],
      {
        id: 'pipeline',
        source: 'vault',
        principals: ['group:ci'],
        mount: '/kv/secret',
        apiMount: 'kv',
        policies: [{ name: 'ci', ...VAULT }],
      },
    ],
    [
      'several of vault',
      'all.json',
      JSON.stringify({
        policies: [
          { name: 'a', ...VAULT },
          { name: 'b', path: {} },
        ],
      }),
      ['--format', 'vault', ...CI],
      {
        id: 'all',
        source: 'vault',
        principals: ['group:ci'],
        mount: '/kv/secret',
        apiMount: 'secret',
        policies: [
          { name: 'a', ...VAULT },
          { name: 'b', path: {} },
        ],
      },
    ],
    [
      'setec as a list',
      'prod.json',
      JSON.stringify(RULES),
      ['--format', 'setec', '--principal', 'user:bob', '--principal', 'uid:33'],
      {
        id: 'prod',
        source: 'setec',
        principals: ['user:bob', 'uid:33'],
        mount: '/setec',
        rules: RULES,
      },
    ],
    [
      'setec as a capability map',
      'prod.json',
      JSON.stringify({ 'tailscale.com/cap/secrets': RULES }),
      ['--format', 'setec', '--principal', 'user:bob', '--mount', '/other'],
      { id: 'prod', source: 'setec', principals: ['user:bob'], mount: '/other', rules: RULES },
    ],
    [
      'acl with its member',
      'acls.json',
      JSON.stringify({ acls: ACLS }),
      ['--format', 'acl'],
      { id: 'acls', source: 'acl', principals: ['*'], mount: '/', acls: ACLS },
    ],
    [
      'acl alone',
      'acls.json',
      JSON.stringify(ACLS),
      ['--format', 'acl', '--principal', 'group:web', '--mount', '/app'],
      { id: 'acls', source: 'acl', principals: ['group:web'], mount: '/app', acls: ACLS },
    ],
    [
      'libvirt',
      'virt.json',
      JSON.stringify({ rules: LIBVIRT }),
      ['--format', 'libvirt', '--principal', 'user:bob'],
      {
        id: 'virt',
        source: 'libvirt',
        principals: ['user:bob'],
        mount: '/libvirt',
        rules: LIBVIRT,
      },
    ],
  ])('%s', async (_, name, text, more, document) => {
    const made = await world()
    const file = made.home.write(name, text)
    expect(await made.sreg(['policy', 'import', file, ...more])).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
    expect(last(made)).toEqual({ op: 'set', document })
    await made.sreg(['policy', 'import', file, ...more, '--dry-run'])
    expect(last(made)).toEqual({ op: 'diff', document })
  })

  test('roles as the engine makes them', async () => {
    const { importRoles } = await import('@secreg/policy-engine')
    const made = await world()
    const roles = { operator: ['read', 'write'], auditor: ['read'] } as const
    for (const text of [JSON.stringify(roles), JSON.stringify({ roles })]) {
      const file = made.home.write('roles.json', text)
      expect(await made.sreg(['policy', 'import', file, '--format', 'roles', '--id', 'r'])).toEqual(
        {
          code: 0,
          stdout: '',
          stderr: '',
        },
      )
      expect(last(made)).toEqual({
        op: 'set',
        document: JSON.parse(JSON.stringify(importRoles(roles, { id: 'r' }))),
      })
    }
  })

  test.each([
    [['--principal', 'group:ci'], '--format is missing'],
    [['--format', 'cedar'], 'must be one of acl, roles, vault'],
    [['--format', 'vault', '--mount', '/kv/secret'], '--principal is missing'],
    [['--format', 'vault', '--principal', 'group:ci'], '--mount is missing'],
    [['--format', 'setec'], '--principal is missing'],
    [['--format', 'libvirt'], '--principal is missing'],
    [['--format', 'acl', '--api-mount', 'x'], '--api-mount is not for the format acl'],
    [['--format', 'roles', '--mount', '/x'], '--mount is not for the format roles'],
    [['--format', 'roles', '--principal', 'a:b'], '--principal is not for the format roles'],
    [['--format', 'vault', ...CI, '--id', 'no id'], 'option --id: '],
    [['--format', 'vault', ...CI.with(1, 'ci')], 'option --principal: '],
    [['--format', 'vault', ...CI.with(3, 'kv')], 'option --mount: '],
    [['--format', 'vault', ...CI, '--api-mount', '/kv/'], 'option --api-mount: '],
  ])('%j is refused, and nothing is asked', async (more, message) => {
    const { home, registry, sreg } = await world()
    const file = home.write('ci.json', '{"path":{}}')
    const { code, stdout, stderr } = await sreg(['policy', 'import', file, ...more])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(message)
    expect(registry.asked).toEqual([])
  })

  test('standard input has no name to take the id from', async () => {
    const { registry, sreg } = await world()
    const args = ['policy', 'import', '-', '--format', 'acl']
    expect((await sreg(args, { input: '{}' })).stderr).toContain('--id is missing')
    expect(registry.asked).toEqual([])
    expect((await sreg([...args, '--id', 'x'], { input: '{}' })).code).toBe(0)
  })

  const SETEC = ['--format', 'setec', '--principal', 'user:bob']
  test.each([
    ['ci.hcl', HCL.replace('read"', 'reed"'), ['--format', 'vault', ...CI], 'ci.hcl:3:'],
    ['ci.hcl', HCL.replace('[', ''), ['--format', 'vault', ...CI], 'ci.hcl:'],
    [
      'ci.json',
      '{"path":{"a":{"capabilities":["reed"]}}}',
      ['--format', 'vault', ...CI],
      'ci.json:1:31: ',
    ],
    ['ci.json', '[]', ['--format', 'vault', ...CI], 'ci.json:1:1: it has to be an object'],
    ['p.json', '[{"action":["get"],"secret":3}]', SETEC, 'p.json:1:20: '],
    ['p.json', '{"rules":[{"action":"get"}]}', SETEC, 'p.json:1:12: '],
    ['p.json', '{"tailscale.com/cap/secrets":[{"action":"get"}]}', SETEC, 'p.json:1:32: '],
    ['p.json', '{"other":[]}', SETEC, 'p.json:1:1: it has no rule of setec'],
    ['p.json', '{"rules":[],"more":1}', SETEC, 'p.json:1:13: unknown member beside "rules"'],
    ['a.json', '{"/a":{"owner":3}}', ['--format', 'acl'], 'a.json:1:8: '],
    ['a.json', '{"acls":{"a":{}}}', ['--format', 'acl'], 'a.json:1:10: '],
    ['r.json', '{"admin":"read"}', ['--format', 'roles'], 'r.json:1:2: it has to be a list'],
    ['r.json', '{"admin":["rule"]}', ['--format', 'roles'], 'r.json:1:1: '],
    [
      'v.json',
      '{"rules":[{"permissions":["secret:fly"],"secrets":["*"]}]}',
      ['--format', 'libvirt', '--principal', 'user:bob'],
      'v.json:1:27: ',
    ],
  ])('a mistake in %s names its place: %s', async (name, text, more, place) => {
    const { home, registry, sreg } = await world()
    const { code, stdout, stderr } = await sreg([
      'policy',
      'import',
      home.write(name, text),
      ...more,
    ])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(`${home.path}/${place}`)
    expect(registry.asked).toEqual([])
  })
})
