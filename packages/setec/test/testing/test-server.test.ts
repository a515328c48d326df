import { Client } from '@secreg/setec'
import { type SetecRule, startSetecServer } from '@secreg/setec/testing'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { rulesAllow } from '../../src/testing/rules.ts'

async function started(options: Parameters<typeof startSetecServer>[0] = {}) {
  const server = await startSetecServer(options)
  onTestFinished(() => server.close())
  return server
}

const text = (value: Uint8Array): string => new TextDecoder().decode(value)

describe('the database of a test', () => {
  test('is read and written past the rules', async () => {
    const { db } = await started({ callers: {} })
    expect(await db.put('n', 'one')).toBe(1)
    expect(await db.put('n', 'two')).toBe(2)
    expect(text((await db.get('n')).value)).toBe('one')
    expect(text((await db.get('n', 2)).value)).toBe('two')
    expect(await db.rotate('n', 'three')).toBe(3)
    await db.createVersion('n', 9, new Uint8Array(2))
    await db.activate('n', 1)
    await db.deleteVersion('n', 2)
    expect(await db.info('n')).toEqual({ name: 'n', versions: [1, 3, 9], activeVersion: 1 })
    expect(await db.list()).toHaveLength(1)
    await db.delete('n')
    expect(await db.list()).toEqual([])
  })

  test('says what fails', async () => {
    const { db } = await started()
    await db.put('n', 'one')
    await expect(db.get('none')).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
    await expect(db.get('n', 2)).rejects.toMatchObject({ code: 'ERR_VERSION_NOT_FOUND' })
    await expect(db.createVersion('n', 1, 'x')).rejects.toMatchObject({
      code: 'ERR_ALREADY_EXISTS',
    })
    await expect(db.deleteVersion('n', 1)).rejects.toMatchObject({ code: 'ERR_VERSION_ACTIVE' })
    await expect(db.put('n', 7 as never)).rejects.toThrow(TypeError)
  })
})

describe('callers', () => {
  const callers = {
    web: [{ action: ['get'], secret: ['web/*'] }],
    'ops team': [
      { action: ['info'], secret: ['*'] },
      { action: ['put'], secret: ['*/new'] },
    ],
  } as const satisfies Record<string, readonly SetecRule[]>

  test('have the rights of their rules', async () => {
    const server = await started({ callers })
    await server.db.put('web/a', 'v')
    const web = new Client(server.urlFor('web'))
    const ops = new Client(server.urlFor('ops team'))
    const denied = { code: 'ERR_SETEC_ACCESS_DENIED' }
    expect(text((await web.get('web/a')).value)).toBe('v')
    await expect(web.info('web/a')).rejects.toMatchObject(denied)
    await expect(web.get('mail/a')).rejects.toMatchObject(denied)
    expect(await web.list()).toEqual([])
    expect(await ops.list()).toHaveLength(1)
    expect(await ops.put('web/new', 'v')).toBe(1)
    await expect(ops.put('web/a', 'v')).rejects.toMatchObject(denied)
  })

  test('are known by a token too, and nobody else is', async () => {
    const server = await started({ callers })
    await server.db.put('web/a', 'v')
    expect((await new Client(server.url, { token: 'web' }).get('web/a')).version).toBe(1)
    for (const url of [server.url, server.urlFor('toString'), server.urlFor('__proto__')]) {
      await expect(new Client(url).list()).rejects.toMatchObject({ code: 'ERR_SETEC_UNIDENTIFIED' })
    }
    const open = await started({ callers: { '': callers.web } })
    await open.db.put('web/a', 'v')
    expect((await new Client(open.url).get('web/a')).version).toBe(1)
  })
})

describe('the server', () => {
  test('keeps to its prefix', async () => {
    const server = await started({ prefix: '/t/one' })
    const { origin } = new URL(server.url)
    const list = (path: string) =>
      fetch(`${origin}${path}/api/list`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'sec-x-tailscale-no-browsers': 'setec' },
        body: '{}',
      })
    const statuses = []
    for (const path of ['/t/one', '', '/t/two', '/t/one/t/one', '/t/onetwo']) {
      statuses.push((await list(path)).status)
    }
    expect(statuses).toEqual([200, 400, 400, 400, 400])
    for (const prefix of ['t', '/t/', '/', '/a?b', '/a b']) {
      await expect(startSetecServer({ prefix })).rejects.toThrow(RangeError)
    }
  })

  test('refuses a browser, and a body without end', async () => {
    const { url } = await started()
    const guarded = await fetch(`${url}/api/list`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
    expect([guarded.status, await guarded.text()]).toEqual([403, 'access denied\n'])
    const client = new Client(url)
    await expect(client.put('n', new Uint8Array(4 * 1024 * 1024))).rejects.toMatchObject({
      status: 413,
    })
  })

  test('is gone when it is closed, and not before', async () => {
    const server = await startSetecServer()
    const client = new Client(server.url)
    expect(await client.list()).toEqual([])
    await server.close()
    await server.close()
    await expect(client.list()).rejects.toMatchObject({ code: 'ERR_SETEC_TRANSPORT' })
  })
})

describe('rules', () => {
  const allows = (pattern: string, name: string): boolean =>
    rulesAllow([{ action: ['get'], secret: [pattern] }], 'get', name)

  test.each([
    ['exact', 'exact', true],
    ['exact', 'exactly', false],
    ['*', '', true],
    ['*', 'a/b', true],
    ['', '', true],
    ['', 'a', false],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['a*z', 'a/m/z', true],
    ['a*z', 'az-', false],
    ['*mid*', 'xmidx', true],
    ['*mid*', 'mi', false],
    ['pre/*/post', 'pre/post', false],
    ['pre/*/post', 'pre/x/post', true],
    ['xab*ba', 'xaba', false],
    ['a*b*b', 'ab', false],
    ['a*b*b', 'abb', true],
    ['**dbl', 'dbl', true],
    ['q?x', 'qax', false],
    ['[ab]c', 'ac', false],
  ])('%j on %j: %s', (pattern, name, expected) => {
    expect(allows(pattern, name)).toBe(expected)
  })

  test('match as a regular expression of the same meaning does', () => {
    const part = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 8 })
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*'), maxLength: 8 })
    fc.assert(
      fc.property(pattern, part, (pattern, name) => {
        const source = pattern.replaceAll('*', '[^]*')
        expect(allows(pattern, name)).toBe(new RegExp(`^${source}$`).test(name))
      }),
      { numRuns: 2000 },
    )
  })

  test('need the action and the pattern in one rule', () => {
    const rules: SetecRule[] = [
      { action: ['get'], secret: ['a'] },
      { action: ['info'], secret: ['b'] },
    ]
    expect(rulesAllow(rules, 'get', 'b')).toBe(false)
    expect(rulesAllow(rules, 'info', 'b')).toBe(true)
    expect(rulesAllow([], 'get', 'a')).toBe(false)
  })
})
