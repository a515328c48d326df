import { SecregError } from '@secreg/protocol'
import { describe, expect, test } from 'vitest'
import { makeWorld } from './harness.ts'

describe('weakness 57: get prints the value and a newline on stdout only', () => {
  test('the value as it is', async () => {
    const { registry, sreg } = await makeWorld()
    registry.put('/a', 'hello')
    expect(await sreg(['get', '/a'])).toEqual({ code: 0, stdout: 'hello\n', stderr: '' })
    registry.put('/esc', '\u001b[31mred')
    expect((await sreg(['get', '/esc'])).stdout).toBe('\u001b[31mred\n')
    registry.put('/empty', '')
    expect((await sreg(['get', '/empty'])).stdout).toBe('\n')
  })

  test('--json prints one object that can be parsed', async () => {
    const { registry, sreg } = await makeWorld()
    registry.put('/a', 'line\n\u009b\u202e"')
    const { code, stdout, stderr } = await sreg(['get', '/a', '--json'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.trimEnd().split('\n')).toHaveLength(1)
    expect(stdout).not.toMatch(/[\u007f-\u009f\u202e]/)
    expect(JSON.parse(stdout)).toMatchObject({
      key: '/a',
      value: 'line\n\u009b\u202e"',
      type: 'string',
      encrypted: false,
      version: 1,
    })
  })

  test.each([
    ['STORAGE_KEY_NOT_FOUND', 2],
    ['ACCESS_DENIED', 3],
    ['AUTH_REQUIRED', 4],
    ['ALREADY_EXISTS', 5],
    ['SEALED', 6],
    ['STORAGE_FAILED', 7],
    ['CRYPTO_FAILED', 8],
    ['VALUE_INVALID', 1],
  ] as const)('%s ends with %i, an empty stdout and a message', async (reason, code) => {
    const { registry, sreg } = await makeWorld()
    registry.failures.set('get', reason)
    const plain = await sreg(['get', '/a'])
    expect(plain).toMatchObject({ code, stdout: '' })
    expect(plain.stderr).toMatch(/^sreg: refused/)
    const json = await sreg(['-j', 'get', '/a'])
    expect(json).toMatchObject({ code, stdout: '' })
    expect(json.stderr.trimEnd().split('\n')).toHaveLength(1)
    const { errno, statusName } = new SecregError(reason, '')
    expect(JSON.parse(json.stderr)).toMatchObject({ code, name: statusName, reason, errno })
  })

  test('an encrypted value without --decrypt: nothing on stdout, a note, exit 0', async () => {
    const { registry, sreg } = await makeWorld()
    registry.put('/secret', 'classified', 'string', true)
    const hidden = await sreg(['get', '/secret'])
    expect(hidden).toMatchObject({ code: 0, stdout: '' })
    expect(hidden.stderr).toContain('--decrypt')
    const json = await sreg(['get', '/secret', '--json'])
    expect(json.stderr).toBe('')
    expect(JSON.parse(json.stdout)).toMatchObject({ value: null, encrypted: true })
    expect((await sreg(['get', '/secret', '--decrypt'])).stdout).toBe('classified\n')
  })
})

describe('set', () => {
  test('types, encryption, and what is asked', async () => {
    const { registry, sreg } = await makeWorld()
    expect(await sreg(['set', '/a', '42', '--type', 'integer', '--encrypt'])).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
    expect(registry.entries.get('/a')).toMatchObject({
      value: '42',
      type: 'integer',
      encrypted: true,
    })
    const json = await sreg(['set', '/a', 'x', '--json'])
    expect(JSON.parse(json.stdout)).toMatchObject({ success: true, version: 2 })
  })

  test.each([
    ['12abc', 'integer'],
    ['yes', 'boolean'],
    ['{', 'json'],
  ])('%s is no %s: exit 1, and the old value stays', async (value, type) => {
    const { registry, sreg } = await makeWorld()
    registry.put('/a', 'old')
    const { code, stdout, stderr } = await sreg(['set', '/a', value, '--type', type])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(type)
    expect(registry.entries.get('/a')?.value).toBe('old')
  })

  test('from standard input: one last newline is removed, unless --raw', async () => {
    const { registry, sreg } = await makeWorld()
    await sreg(['set', '/a', '-'], { input: 'two\nlines\n\n' })
    expect(registry.entries.get('/a')?.value).toBe('two\nlines\n')
    await sreg(['set', '/a', '-', '--raw'], { input: 'x\n' })
    expect(registry.entries.get('/a')?.value).toBe('x\n')
    await sreg(['set', '/a', '-'], { input: '' })
    expect(registry.entries.get('/a')?.value).toBe('')
  })

  test('from a file, and a literal @', async () => {
    const { home, registry, sreg } = await makeWorld()
    const file = home.write('value', 'from a file\n')
    await sreg(['set', '/a', `@${file}`])
    expect(registry.entries.get('/a')?.value).toBe('from a file')
    await sreg(['set', '/a', '@@home'])
    expect(registry.entries.get('/a')?.value).toBe('@home')
    expect(await sreg(['set', '/a', `@${file}.missing`])).toMatchObject({ code: 2, stdout: '' })
    expect(await sreg(['set', '/a', '@'])).toMatchObject({ code: 1, stdout: '' })
  })

  test('bytes: every byte is kept, in base64; an operand is base64 already', async () => {
    const { registry, sreg } = await makeWorld()
    const input = Uint8Array.of(0, 255, 10)
    expect((await sreg(['set', '/a', '-'], { input })).code).toBe(1)
    await sreg(['set', '/a', '-', '--type', 'binary'], { input })
    expect(registry.entries.get('/a')).toMatchObject({ value: 'AP8K', type: 'bytes' })
    await sreg(['set', '/b', 'AP8K', '--type', 'bytes'])
    expect(registry.entries.get('/b')?.value).toBe('AP8K')
    expect((await sreg(['get', '/b'])).stdout).toBe('AP8K\n')
    expect(Buffer.from((await sreg(['get', '/a', '--raw'])).stdout, 'utf8').length).toBeGreaterThan(
      2,
    )
  })

  test('a value of 1 MiB goes through, a larger one does not', async () => {
    const { registry, sreg } = await makeWorld()
    const input = new Uint8Array(1024 * 1024).fill(7)
    expect((await sreg(['set', '/a', '-', '--type', 'bytes'], { input })).code).toBe(0)
    expect(registry.entries.get('/a')?.value).toHaveLength(4 * Math.ceil(input.length / 3))
    const tooLarge = new Uint8Array(1024 * 1024 + 3)
    expect((await sreg(['set', '/a', '-', '--type', 'bytes'], { input: tooLarge })).code).toBe(1)
  })

  test('a secret in the arguments is remarked on, on a terminal', async () => {
    const { sreg } = await makeWorld()
    const shown = await sreg(['set', '/a', 'hunter2', '--encrypt'], { stderrTty: true })
    expect(shown.stderr).toContain('visible to other processes')
    expect(shown.stderr).not.toContain('hunter2')
    const piped = await sreg(['set', '/a', '-', '--encrypt'], { input: 'x', stderrTty: true })
    expect(piped.stderr).toBe('')
  })
})

describe('delete and list', () => {
  test('delete', async () => {
    const { registry, sreg } = await makeWorld()
    registry.put('/a/b', '1')
    registry.put('/a/c', '2')
    expect(await sreg(['delete', '/a'])).toMatchObject({ code: 6, stdout: '' })
    expect(await sreg(['delete', '/a/x'])).toMatchObject({ code: 2, stdout: '' })
    expect(await sreg(['delete', '/a/b'])).toEqual({ code: 0, stdout: '', stderr: '' })
    const json = await sreg(['delete', '--recursive', '/a', '--json'])
    expect(JSON.parse(json.stdout)).toMatchObject({ success: true, deleted: 1 })
  })

  test('one key a line, all pages', async () => {
    const { registry, sreg } = await makeWorld()
    registry.pageSize = 7
    const keys = Array.from({ length: 50 }, (_, index) => `/k/${String(index).padStart(2, '0')}`)
    for (const key of keys) registry.put(key, 'x')
    expect((await sreg(['list', '/k', '--recursive'])).stdout).toBe(`${keys.join('\n')}\n`)
    expect((await sreg(['list', '/'])).stdout).toBe('/k/\n')
    expect(JSON.parse((await sreg(['list', '/k/', '--json'])).stdout)).toEqual({ keys })
    expect(await sreg(['list', '/nothing'])).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  test('a table with --verbose; a hostile key cannot drive the terminal', async () => {
    const { registry, sreg } = await makeWorld()
    registry.put('/a/long-name', '1', 'integer')
    registry.put('/b', 'x', 'string', true)
    const { stdout } = await sreg(['list', '/', '--recursive', '-v'])
    const [head, first, second] = stdout.split('\n')
    expect(head).toMatch(/^Key {11}Type {15}Version {2}Modified {13}By$/)
    expect(first).toMatch(
      /^\/a\/long-name {2}integer {12}1 {8}20\d\d-\d\d-\d\d \d\d:\d\d:\d\d {2}alice$/,
    )
    expect(second).toContain('string, encrypted')
    registry.answers.set('list', { keys: ['/\u001b[2J', '/x\ny', '/\u202etxt', '/č'] })
    const piped = (await sreg(['list', '/'])).stdout
    expect(piped).toBe('/\\u{1b}[2J\n/x\\u{0a}y\n/\u202etxt\n/č\n')
    const terminal = (await sreg(['list', '/'], { stdoutTty: true })).stdout
    expect(terminal).toContain('/\\u{202e}txt')
    expect(terminal).toContain('/č')
  })
})
