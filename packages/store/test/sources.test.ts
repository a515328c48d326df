import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryCache, openStore, staticSource } from '@secreg/store'
import { fileSource } from '@secreg/store/node'
import { afterAll, describe, expect, test } from 'vitest'
import { bytes, text } from './support.ts'

const options = { signal: new AbortController().signal }
const home = mkdtempSync(join(tmpdir(), 'secreg-store-'))
afterAll(() => rmSync(home, { recursive: true }))

describe('static source', () => {
  test('text, bytes, versions; a copy each time', async () => {
    const raw = bytes('raw')
    const source = staticSource({ t: 'ü', r: raw, v: { value: bytes('v'), version: 9 } })
    raw.fill(0)
    expect(await source.get('t', options)).toEqual({ value: bytes('ü'), version: 1 })
    const answer = await source.get('r', options)
    expect(text(answer.value)).toBe('raw')
    answer.value.fill(0)
    expect(text((await source.get('r', options)).value)).toBe('raw')
    expect(await source.getIfChanged('v', 9, options)).toBeUndefined()
    expect(await source.getIfChanged('v', 8, options)).toEqual({ value: bytes('v'), version: 9 })
  })

  test('what it does not have is absent, inherited members too', async () => {
    const source = staticSource({ a: 'x' })
    for (const name of ['b', 'toString', '__proto__']) {
      await expect(source.get(name, options)).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
      await expect(source.getIfChanged(name, 1, options)).rejects.toMatchObject({
        code: 'ERR_NOT_FOUND',
      })
    }
  })

  test.each([undefined, null, 'x'])('%j is no record', (record) => {
    expect(() => staticSource(record as never)).toThrow(TypeError)
  })

  test('a value of another kind is refused without being quoted', () => {
    expect(() => staticSource({ a: { value: 'treasure', version: 1 } as never })).toThrow(
      /^(?!.*treasure)/,
    )
  })
})

describe('file source', () => {
  const write = (content: string): string => {
    const path = join(home, 'secrets.json')
    writeFileSync(path, content)
    return path
  }

  test('the format of setec: Value, TextValue, and what is passed over', async () => {
    const source = await fileSource(
      write(
        JSON.stringify({
          value: { secret: { Value: btoa('one'), Version: 3 } },
          text: { secret: { TextValue: 'zwö', Version: 1 } },
          both: { secret: { Value: btoa('no'), TextValue: 'yes', Version: 1 } },
          emptyText: { secret: { Value: btoa('value'), TextValue: '', Version: 1 } },
          noSecret: { lastAccess: '1' },
          noVersion: { secret: { Value: btoa('x') } },
          zero: { secret: { Value: btoa('x'), Version: 0 } },
          noValue: { secret: { Version: 1 } },
          '': { secret: { TextValue: 'x', Version: 1 } },
        }),
      ),
    )
    const found: Record<string, string> = {}
    for (const name of ['value', 'text', 'both', 'emptyText']) {
      found[name] = text((await source.get(name, options)).value)
    }
    expect(found).toEqual({ value: 'one', text: 'zwö', both: 'yes', emptyText: 'value' })
    expect((await source.get('value', options)).version).toBe(3)
    for (const name of ['noSecret', 'noVersion', 'zero', 'noValue', '']) {
      await expect(source.get(name, options)).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
    }
  })

  test('it is read once', async () => {
    const path = write('{"a":{"secret":{"TextValue":"1","Version":1}}}')
    const source = await fileSource(path)
    write('{"a":{"secret":{"TextValue":"2","Version":2}}}')
    expect(text((await source.get('a', options)).value)).toBe('1')
  })

  test('a plaintext cache is one', async () => {
    const cache = memoryCache()
    const store = await openStore({ source: staticSource({ a: 'A' }), secrets: ['a'], cache })
    await store.close()
    const source = await fileSource(write(text((await cache.read()) as Uint8Array)))
    expect(text((await source.get('a', options)).value)).toBe('A')
  })

  test.each(['', 'null', '[]', '{"a":', '{"a":{"secret":{"Value":"!treasure","Version":1}}}'])(
    'damage is refused and not quoted: %s',
    async (content) => {
      const error = await fileSource(write(content)).catch((error: unknown) => error)
      expect(error).toMatchObject({ code: 'ERR_STORE_FORMAT' })
      expect(String(error)).not.toContain('treasure')
    },
  )

  test('a file that is not there, and no path', async () => {
    await expect(fileSource(join(home, 'none'))).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(fileSource(1 as never)).rejects.toThrow(TypeError)
  })
})
