import { describe, expect, test } from 'vitest'
import { refused } from './fake/fake-secrets.ts'
import { makeWorld } from './harness.ts'

const API = 'openbao+kv2://secret/app/api'
const quiet = { code: 0, stdout: '', stderr: '' }

describe('secret get', () => {
  test('a text as it is, anything else as JSON, a whole secret as an object', async () => {
    const { registry, sreg } = await makeWorld()
    registry.secrets.put(API, { token: 't1\u001b[31m', port: 80, on: false, more: { a: [1] } })
    const get = async (...args: string[]) => (await sreg(['secret', 'get', ...args])).stdout
    expect(await get(`${API}#token`)).toBe('t1\u001b[31m\n')
    expect(await get(`${API}#token`, '--raw')).toBe('t1\u001b[31m')
    expect(await get(`${API}#port`)).toBe('80\n')
    expect(await get(`${API}#on`)).toBe('false\n')
    expect(await get(`${API}#more`)).toBe('{"a":[1]}\n')
    expect(JSON.parse(await get(API))).toMatchObject({ token: 't1\u001b[31m', port: 80 })
  })

  test('what is asked is percent-encoded, and only that is asked', async () => {
    const { registry, sreg } = await makeWorld()
    registry.secrets.put(API, { token: 'one' })
    registry.secrets.put(API, { token: 'two' })
    expect((await sreg(['secret', 'get', `${API}#token?version=1`])).stdout).toBe('one\n')
    expect((await sreg(['secret', 'get', `${API}#token`, '--version', '1'])).stdout).toBe('one\n')
    await sreg(['secret', 'get', 'x&version=9#é'])
    expect(registry.secrets.asked).toEqual([
      {
        route: 'value',
        query: 'uri=openbao%2Bkv2%3A%2F%2Fsecret%2Fapp%2Fapi%23token%3Fversion%3D1',
      },
      { route: 'value', query: 'uri=openbao%2Bkv2%3A%2F%2Fsecret%2Fapp%2Fapi%23token&version=1' },
      { route: 'value', query: 'uri=x%26version%3D9%23%C3%A9' },
    ])
    expect(registry.asked.filter(({ name }) => name === 'secrets')).toHaveLength(3)
    expect(registry.asked.every(({ payload }) => !('presented' in payload))).toBe(true)
  })

  test('--json is the whole answer, --verbose tells the version', async () => {
    const { registry, sreg } = await makeWorld()
    registry.secrets.put(API, { token: 't1' })
    const { stdout } = await sreg(['secret', 'get', `${API}#token`, '--json'])
    expect(JSON.parse(stdout)).toEqual({ uri: `${API}#token`, value: 't1', version: 1 })
    expect(await sreg(['secret', 'get', `${API}#token`, '-v'])).toEqual({
      code: 0,
      stdout: 't1\n',
      stderr: 'sreg: version 1\n',
    })
  })
})

describe('secret set', () => {
  test('a text from an operand, standard input or a file; one last newline is removed', async () => {
    const { home, registry, sreg } = await makeWorld()
    const uri = `${API}#token`
    const latest = () => registry.secrets.store.get(API)?.at(-1)
    expect(await sreg(['secret', 'set', uri, 'plain'])).toEqual(quiet)
    expect(latest()).toEqual({ token: 'plain' })
    expect(await sreg(['secret', 'set', uri, '-'], { input: 'a"b\n\n' })).toEqual(quiet)
    expect(latest()).toEqual({ token: 'a"b\n' })
    expect(await sreg(['secret', 'set', uri, '-', '--raw'], { input: 'x\n' })).toEqual(quiet)
    expect(latest()).toEqual({ token: 'x\n' })
    const file = home.write('value', 'from a file\n')
    expect(await sreg(['secret', 'set', uri, `@${file}`])).toEqual(quiet)
    expect(latest()).toEqual({ token: 'from a file' })
    expect(await sreg(['secret', 'rotate', uri, '--value-file', file])).toEqual(quiet)
    expect(await sreg(['secret', 'set', uri, '--value-file', '-'], { input: '80' })).toEqual(quiet)
    expect(latest()).toEqual({ token: '80' })
    expect(await sreg(['secret', 'set', uri, '@@x'])).toEqual(quiet)
    expect(latest()).toEqual({ token: '@x' })
  })

  test('JSON is sent as it was given: no number is read and written', async () => {
    const { registry, sreg } = await makeWorld()
    const big = '12345678901234567890.0'
    expect(await sreg(['secret', 'set', `${API}#n`, big, '--type', 'json'])).toEqual(quiet)
    expect(registry.secrets.asked.at(-1)?.body).toBe(`{"uri":"${API}#n","value":${big}}`)
    expect(await sreg(['secret', 'set', API, '-'], { input: '{"a": 1}\n' })).toEqual(quiet)
    expect(registry.secrets.asked.at(-1)?.body).toBe(`{"uri":"${API}","value":{"a": 1}}`)
    const wrong = await sreg(['secret', 'set', API, 'hunter2'])
    expect(wrong).toMatchObject({ code: 1, stdout: '' })
    expect(wrong.stderr).not.toContain('hunter2')
    expect(wrong.stderr).toContain('without a #key')
    // No second member can be slipped in behind the value.
    const slipped = await sreg(['secret', 'set', API, '{},"cas":0'])
    expect(slipped).toMatchObject({ code: 1, stdout: '' })
    expect(registry.secrets.asked).toHaveLength(2)
  })

  test('--cas, and what was written', async () => {
    const { registry, sreg } = await makeWorld()
    const uri = `${API}#token`
    expect(await sreg(['secret', 'set', uri, 'a', '--cas', '0', '-v'])).toMatchObject({
      code: 0,
      stderr: 'sreg: version 1\n',
    })
    const stale = await sreg(['secret', 'set', uri, 'b', '--cas', '0', '--json'])
    expect(stale).toMatchObject({ code: 6, stdout: '' })
    expect(JSON.parse(stale.stderr)).toMatchObject({ code: 6, reason: 'CAS_MISMATCH' })
    const { stdout } = await sreg(['secret', 'set', uri, 'b', '--cas', '1', '--json'])
    expect(JSON.parse(stdout)).toEqual({ status: 'ok', uri, version: 2 })
    expect(await sreg(['secret', 'rotate', uri, 'c', '-v'])).toMatchObject({
      code: 0,
      stderr: 'sreg: version 3, before: 2\n',
    })
    expect(registry.secrets.store.get(API)).toHaveLength(3)
    expect(await sreg(['secret', 'rotate', uri, 'c', '--cas', '1'])).toMatchObject({ code: 1 })
  })

  test('a value that was visible is told so on a terminal', async () => {
    const { sreg } = await makeWorld()
    const set = ['secret', 'set', `${API}#token`]
    expect((await sreg([...set, 'x'], { stderrTty: true })).stderr).toContain('visible')
    expect((await sreg([...set, '-'], { stderrTty: true, input: 'x' })).stderr).toBe('')
  })

  test('what gives no value, or two, asks for nothing', async () => {
    const { home, registry, sreg } = await makeWorld()
    const set = ['secret', 'set', `${API}#token`]
    const none = await sreg(set, { input: 'piped' })
    expect(none).toMatchObject({ code: 1, stdout: '' })
    expect(none.stderr).toContain('--value-file')
    const file = home.write('value', 'x')
    expect(await sreg([...set, 'x', '--value-file', file])).toMatchObject({ code: 1 })
    expect(await sreg([...set, '--value-file', home.file('none')])).toMatchObject({ code: 2 })
    expect(await sreg([...set, '-'], { input: Uint8Array.of(255) })).toMatchObject({ code: 1 })
    expect(await sreg([...set, '-'], { input: 'x'.repeat(1024 * 1024) })).toMatchObject({ code: 1 })
    expect(await sreg([...set, 'x', '--cas', '-1'])).toMatchObject({ code: 1 })
    expect(registry.secrets.asked).toEqual([])
  })
})

describe('secret copy, move and search', () => {
  test('copy, move and --overwrite', async () => {
    const { registry, sreg } = await makeWorld()
    registry.secrets.put(API, { token: 't1' })
    const to = 'hashicorp+kv2://secret/copy'
    expect(await sreg(['secret', 'copy', API, to])).toEqual(quiet)
    const again = await sreg(['secret', 'copy', API, to])
    expect(again).toMatchObject({ code: 5, stdout: '' })
    expect(again.stderr).toContain('--overwrite')
    const { stdout } = await sreg(['secret', 'move', API, to, '--overwrite', '--json'])
    expect(JSON.parse(stdout)).toEqual({ status: 'moved', fromUri: API, toUri: to, version: 2 })
    expect([...registry.secrets.store.keys()]).toEqual([to])
    expect(JSON.parse(registry.secrets.asked[0]?.body ?? '')).toEqual({
      fromUri: API,
      toUri: to,
      overwrite: false,
    })
  })

  test('search: a URI a line, a page at a time', async () => {
    const { registry, sreg } = await makeWorld()
    for (const name of ['a1', 'a2', 'b']) registry.secrets.put(`yaml://secret/${name}`, {})
    expect(await sreg(['secret', 'search', 'a', '--prefix', 'yaml://secret'])).toEqual({
      ...quiet,
      stdout: 'yaml://secret/a1\nyaml://secret/a2\nyaml://secret/b\n',
    })
    expect(await sreg(['secret', 'search', '1', '-v'])).toMatchObject({
      stdout: 'URI               Kind\nyaml://secret/a1  path\n',
    })
    expect(await sreg(['secret', 'search', 'a', '--limit', '1', '--offset', '1'])).toEqual({
      code: 0,
      stdout: 'yaml://secret/a2\n',
      stderr: 'sreg: there are 3; go on with --offset 2\n',
    })
    expect(await sreg(['secret', 'search', 'zzz'])).toEqual(quiet)
    expect(await sreg(['secret', 'search', 'a', '--limit', '1001'])).toMatchObject({ code: 1 })
  })
})

describe('refusals', () => {
  const cases = [
    ['ILLEGAL_SEGMENT', 400, 1],
    ['TENANT_MOUNT_MISMATCH', 400, 1],
    ['INCOMPATIBLE_PAYLOAD', 400, 1],
    ['BODY_TOO_LARGE', 413, 1],
    ['UNAUTHENTICATED', 401, 4],
    ['SENDER_BINDING_MISMATCH', 401, 4],
    ['INSUFFICIENT_SCOPE', 403, 3],
    ['SECRET_AUTHZ_FAILED', 403, 3],
    ['YAML_WRITE_FORBIDDEN', 403, 3],
    ['SECRET_NOT_FOUND', 404, 2],
    ['FRAGMENT_NOT_FOUND', 404, 2],
    ['SECRET_VERSION_DELETED', 409, 2],
    ['SECRET_VERSION_DESTROYED', 409, 2],
    ['DESTINATION_EXISTS', 409, 5],
    ['CAS_MISMATCH', 409, 6],
    ['PROVIDER_BUSY', 429, 6],
    ['PROVIDER_NOT_CONFIGURED', 501, 6],
    ['OPERATION_NOT_SUPPORTED', 501, 6],
    ['PROVIDER_ERROR', 502, 6],
    ['PROVIDER_TIMEOUT', 502, 6],
    ['PROVIDER_UNAVAILABLE', 503, 6],
    ['PDP_UNAVAILABLE', 503, 6],
    ['AUDIT_UNAVAILABLE', 503, 7],
    ['INTERNAL', 500, 7],
    ['SOMETHING_NEW', 403, 3],
    ['SOMETHING_NEW', 418, 1],
    ['SOMETHING_NEW', 599, 7],
  ] as const

  test.each(cases)('%s with %i ends with %i, and says what to do', async (code, status, exit) => {
    const { registry, sreg } = await makeWorld()
    registry.secrets.answers.set('*', refused(code, { status }))
    const plain = await sreg(['secret', 'get', `${API}#token`])
    expect(plain).toMatchObject({ code: exit, stdout: '' })
    expect(plain.stderr).toMatch(new RegExp(`^sreg: text of ${code}\n  \\S`))
    const json = await sreg(['secret', 'get', `${API}#token`, '--json'])
    expect(json).toMatchObject({ code: exit, stdout: '' })
    const told = JSON.parse(json.stderr)
    expect(told).toMatchObject({ code: exit, reason: code, hint: expect.any(String) })
  })

  test('the scope, the purpose and the time that an answer names', async () => {
    const { registry, sreg } = await makeWorld()
    const hint = async (answer: ReturnType<typeof refused>) => {
      registry.secrets.answers.set('*', answer)
      return JSON.parse((await sreg(['secret', 'get', API, '--json'])).stderr)
    }
    const challenge = 'Bearer error="insufficient_scope", scope="secrets.read"'
    const headers = { 'WWW-Authenticate': challenge }
    expect((await hint(refused('INSUFFICIENT_SCOPE', { status: 403, headers }))).hint).toContain(
      'scope secrets.read',
    )
    const details = { purpose: 'execute' }
    expect((await hint(refused('SECRET_AUTHZ_FAILED', { status: 403, details }))).hint).toContain(
      'purpose execute',
    )
    expect(
      await hint(refused('PROVIDER_BUSY', { status: 429, headers: { 'Retry-After': '7' } })),
    ).toMatchObject({ retry_after: 7, hint: 'try again in 7 s' })
  })

  test.each([
    [200, '[]'],
    [200, 'no JSON'],
    [200, '{"uri":"x"}'],
    [307, '{}'],
    [502, '<html>'],
    [404, 'null'],
    [403, '{"code":"lower","message":["x"],"details":7}'],
    [403, `{"code":"${'A'.repeat(1000)}","message":"\\u001b[2J"}`],
  ])('an answer that is none: %i %s', async (status, body) => {
    const { registry, sreg } = await makeWorld()
    registry.secrets.answers.set('*', { status, body })
    const { code, stdout, stderr } = await sreg(['secret', 'get', API])
    expect(code).toBeGreaterThan(0)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^sreg: \S/)
    expect(stderr).not.toContain('\u001b')
  })

  test('where the API is not served, or nobody is logged in', async () => {
    const { registry, sreg } = await makeWorld()
    registry.failures.set('secrets', 'NOT_FOUND')
    const off = await sreg(['secret', 'get', API])
    expect(off).toMatchObject({ code: 2, stdout: '' })
    expect(off.stderr).toContain('[secrets] enabled')
    const world = await makeWorld({ login: false })
    expect(await world.sreg(['secret', 'get', API])).toMatchObject({ code: 4, stdout: '' })
  })
})
