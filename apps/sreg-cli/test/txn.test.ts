import { txnRequest } from '@secreg/protocol/messages'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readTransaction } from '../src/read-transaction.ts'
import { makeWorld } from './harness.ts'

const read = (document: unknown) => readTransaction(Buffer.from(JSON.stringify(document)))

const DOCUMENT = {
  compare: [{ key: '/a', version: 1 }],
  then: [
    { op: 'get', key: '/a' },
    { op: 'set', key: '/a', value: 'new' },
    { op: 'delete', key: '/gone' },
    { op: 'get', key: '/secret' },
    { op: 'get', key: '/none' },
  ],
  else: [{ op: 'set', key: '/lost', value: true, type: 'boolean' }],
}

describe('sreg txn', () => {
  test('then, from standard input', async () => {
    const { registry, sreg } = await makeWorld()
    registry.put('/a', 'old\u001b[31m\nline')
    registry.put('/gone', 'x')
    registry.put('/secret', 'hunter2', 'string', true)
    const done = await sreg(['txn'], { input: JSON.stringify(DOCUMENT) })
    expect(done).toEqual({
      code: 0,
      stdout: [
        `then revision ${registry.store.revision}`,
        'get /a old\\u{1b}[31m\\u{0a}line',
        'set /a version 2',
        'delete /gone deleted',
        'get /secret (encrypted)',
        'get /none absent',
        '',
      ].join('\n'),
      stderr: '',
    })
    expect(registry.asked.at(-1)?.payload).toEqual(DOCUMENT)
  })

  test('else, from a file, also ends with 0; --json tells', async () => {
    const { home, registry, sreg } = await makeWorld()
    const file = home.write('t.json', JSON.stringify(DOCUMENT))
    const done = await sreg(['txn', file])
    expect(done).toMatchObject({ code: 0, stderr: '' })
    expect(done.stdout).toBe(`else revision ${registry.store.revision}\nset /lost version 1\n`)
    const json = await sreg(['txn', file, '--json'])
    expect(JSON.parse(json.stdout)).toMatchObject({
      succeeded: false,
      results: [{ op: 'set', version: 2 }],
    })
    const piped = await sreg(['txn', '-', '-j'], { input: '{}' })
    expect(JSON.parse(piped.stdout)).toMatchObject({ succeeded: true, results: [] })
  })

  test('a file that is not there, and a stale precondition of its own', async () => {
    const { home, registry, sreg } = await makeWorld()
    expect(await sreg(['txn', home.file('none')])).toMatchObject({ code: 2, stdout: '' })
    registry.failures.set('txn', 'VERSION_CONFLICT')
    const stale = await sreg(['txn'], { input: '{}' })
    expect(stale).toMatchObject({ code: 6, stdout: '' })
    expect(stale.stderr).toContain('put it into "compare"')
  })

  const SECRET = 'hunter2'
  test.each([
    ['', 'expected JSON'],
    [`{"${SECRET}`, 'expected JSON in UTF-8'],
    [`"${SECRET}"`, ''],
    [`[{"value":"${SECRET}"}]`, ''],
    ['{"then":[],"then":[]}', 'expected no member name twice'],
    ['{"when":[]}', 'unknown member "when"'],
    [`{"then":"${SECRET}"}`, 'then must be a list'],
    [`{"then":["${SECRET}"]}`, 'then[0] must be an object'],
    ['{"then":[null]}', 'then[0] must be an object'],
    ['{"then":[[]]}', 'then[0] must be an object'],
    ['{"then":[{}]}', 'then[0].op must be one of get, set, delete'],
    [`{"then":[{"op":"${SECRET}"}]}`, 'then[0].op must be one of'],
    ['{"else":[{"op":"get"}]}', 'else[0].key is missing'],
    ['{"then":[{"op":"set","key":"/a"}]}', 'then[0].value is missing'],
    [
      `{"then":[{"op":"set","key":"/a","value":"${SECRET}","ttl":5}]}`,
      'then[0] unknown member "ttl"',
    ],
    [`{"then":[{"op":"set","key":"/a","value":"${SECRET}","ttl_s":-1}]}`, 'then[0].ttl_s must be'],
    [`{"then":[{"op":"set","key":5,"value":"${SECRET}"}]}`, 'then[0].key must be a text'],
    ['{"then":[{"op":"set","key":"/a","value":null}]}', 'then[0].value must be a value'],
    [
      `{"then":[{"op":"set","key":"/a","value":1,"encrypt":"${SECRET}"}]}`,
      'encrypt must be true or',
    ],
    ['{"then":[{"op":"delete","key":"/a","recursive":true}]}', 'unknown member "recursive"'],
    ['{"then":[{"op":"get","key":"/a","__proto__":1}]}', 'unknown member "__proto__"'],
    ['{"then":[{"op":"constructor","key":"/a"}]}', 'then[0].op must be one of'],
    ['{"compare":[{"key":"/a"}]}', 'compare[0] must have one of revision, version, absent, value'],
    ['{"compare":[{"key":"/a","version":1,"absent":true}]}', 'compare[0] must have one of'],
    ['{"compare":[{"key":"/a","absent":true},{"version":1}]}', 'compare[1].key is missing'],
    ['{"compare":[{"key":"/a","version":1.5}]}', 'compare[0].version must be a whole number'],
    ['{"compare":[{"key":"/a","absent":true,"is":"="}]}', 'compare[0] unknown member "is"'],
    [
      `{"compare":[{"key":"/a","value":"${SECRET}","is":"<"}]}`,
      'compare[0].is must be one of =, !=',
    ],
    [`{"compare":[{"key":"/a","version":1,"is":"${SECRET}"}]}`, 'must be one of =, !=, <, >'],
    [`{"then":[{"op":"get","key":"/a","${'x'.repeat(200)}":1}]}`, 'then[0] unknown member\n'],
    ['{"then":[{"op":"get","key":"/a","\\u001b[2J":1}]}', 'unknown member "\\u{1b}[2J"'],
  ])('%s: exit 1 and the place, never a value', async (input, place) => {
    const { registry, sreg } = await makeWorld()
    for (const argv of [['txn'], ['txn', '--json']]) {
      const { code, stdout, stderr } = await sreg(argv, { input })
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      const message = argv.length === 1 ? stderr : `${JSON.parse(stderr).message}\n`
      expect(message).toContain('not a transaction: ')
      expect(message).toContain(place)
      expect(stderr).not.toContain(SECRET)
    }
    expect(registry.asked).toEqual([])
  })

  test('bytes that are not UTF-8, and too many of them', async () => {
    const { sreg } = await makeWorld()
    const bad = Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d)
    expect((await sreg(['txn'], { input: bad })).code).toBe(1)
    const large = new Uint8Array(4 * 1024 * 1024 + 1).fill(0x20)
    expect((await sreg(['txn'], { input: large })).code).toBe(1)
    const list = Array.from({ length: 1001 }, () => ({ op: 'get', key: '/a' }))
    expect((await sreg(['txn'], { input: JSON.stringify({ then: list }) })).stderr).toContain(
      'then must have at most 1000 members',
    )
  })
})

describe('what is taken is what the protocol takes', () => {
  const members = {
    key: fc.constantFrom<unknown>('/a', '', 5, null),
    value: fc.constantFrom<unknown>('x', 5, true, null, { a: 1 }, []),
    type: fc.constantFrom<unknown>('string', 5),
    encrypt: fc.constantFrom<unknown>(true, 'x'),
    decrypt: fc.constantFrom<unknown>(true, 1),
    if_version: fc.constantFrom<unknown>(0, 3, -1, 1.5, '3'),
    ttl_s: fc.constantFrom<unknown>(0, 60, -1, 1e12),
    private: fc.constantFrom<unknown>(true, null),
    op: fc.constantFrom<unknown>('get', 'set', 'delete', 'x', 5),
    version: fc.constantFrom<unknown>(0, 1, 'x'),
    revision: fc.constantFrom<unknown>(0, 1, -1),
    absent: fc.constantFrom<unknown>(true, 0),
    is: fc.constantFrom<unknown>('=', '!=', '<', '>', '=='),
  }
  const item = fc.record(members, { requiredKeys: [] })
  const list = fc.array(item, { maxLength: 3 })
  const any = fc.record({ compare: list, then: list, else: list }, { requiredKeys: [] })
  const good = fc.oneof(
    fc.record({ op: fc.constant('get'), key: fc.constant('/a') }),
    fc.record(
      {
        op: fc.constant('set'),
        key: fc.constant('/a'),
        value: fc.constantFrom<unknown>('x', 1, true, {}),
        if_version: fc.nat(),
        if_type: fc.constant('string'),
        ttl_s: fc.nat(1000),
        ephemeral: fc.boolean(),
      },
      { requiredKeys: ['op', 'key', 'value'] },
    ),
  )

  const accepts = (document: unknown): boolean => {
    try {
      expect(read(document)).toEqual(document)
      return true
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
      return false
    }
  }

  test('nothing that it would refuse', () => {
    fc.assert(
      fc.property(any, (document) => {
        if (accepts(document)) expect(txnRequest.safeParse(document).success).toBe(true)
      }),
    )
  })

  test('everything that it takes without leaving something out', () => {
    const documents = fc.oneof(any, fc.record({ then: fc.array(good), else: fc.array(good) }))
    fc.assert(
      fc.property(documents, (document) => {
        const parsed = txnRequest.safeParse(document)
        const whole =
          parsed.success && JSON.stringify(sorted(parsed.data)) === JSON.stringify(sorted(document))
        // An empty type or key is for the daemon to refuse.
        if (whole) expect(accepts(document)).toBe(true)
      }),
    )
  })
})

/** With members in one order, at every level. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(sorted)
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  )
}
