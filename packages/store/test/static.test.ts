import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { createUpdater, staticSecret, staticUpdater } from '@secreg/store'
import { staticFile, staticTextFile } from '@secreg/store/node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bytes, text } from './support.ts'

let home: string
let path: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'secreg-store-'))
  path = join(home, 'secret')
})
afterEach(() => rmSync(home, { recursive: true }))

describe('a static secret', () => {
  test('gives copies of what it was made from', () => {
    const given = bytes('value')
    const secret = staticSecret(given, { name: 'db/password', version: 7 })
    given.fill(0)
    secret.value().fill(0)
    expect([secret.text(), secret.name, secret.version]).toEqual(['value', 'db/password', 7])
    expect(secret.checkedAtMs).toBeUndefined()
    expect(staticSecret('Grüße').value()).toEqual(bytes('Grüße'))
  })

  test('shows its value to nobody who prints it', () => {
    const secret = staticSecret('canary')
    expect(inspect(secret) + JSON.stringify(secret) + String(secret)).not.toContain('canary')
  })

  test('serves where a secret of a store does', () => {
    expect(createUpdater(staticSecret('a'), text).get()).toBe('a')
  })

  test.each([[1], [null], [undefined], [['a']]])('%j is none', (value) => {
    expect(() => staticSecret(value as never)).toThrow(TypeError)
  })
})

describe('a static updater', () => {
  test('gives its object until it is closed, and does not end it', async () => {
    let closes = 0
    const object = { close: () => closes++ }
    const updater = staticUpdater(object)
    expect(updater.get()).toBe(object)
    expect(await updater.use((same) => same === object)).toBe(true)
    expect([updater.version, updater.error]).toEqual([0, undefined])
    await updater.close()
    expect(() => updater.get()).toThrow(expect.objectContaining({ code: 'ERR_STORE_CLOSED' }))
    await expect(updater.use(() => {})).rejects.toMatchObject({ code: 'ERR_STORE_CLOSED' })
    expect(closes).toBe(0)
  })
})

describe('a static file', () => {
  test('is read once, exactly', async () => {
    writeFileSync(path, ' a\n')
    const secret = await staticFile(path)
    writeFileSync(path, 'b')
    expect([secret.text(), secret.name]).toEqual([' a\n', path])
  })

  test.each([
    [' \t\n a b \r\n', 'a b'],
    ['\u0085\u00a0\u3000a\u2028\u2003', 'a'],
    ['\ufeffa', '\ufeffa'],
    [' \n ', ''],
    ['', ''],
  ])('as text %j is %j', async (content, expected) => {
    writeFileSync(path, content)
    expect((await staticTextFile(path)).text()).toBe(expected)
  })

  test('as text must be text', async () => {
    writeFileSync(path, Uint8Array.of(0xff, 0xfe))
    await expect(staticTextFile(path)).rejects.toMatchObject({ code: 'ERR_STORE_NOT_TEXT' })
    expect((await staticFile(path)).value()).toEqual(Uint8Array.of(0xff, 0xfe))
  })

  test('must be there, and no longer than a secret can be', async () => {
    await expect(staticFile(path)).rejects.toMatchObject({ code: 'ENOENT' })
    writeFileSync(path, '')
    truncateSync(path, 16 * 1024 * 1024 + 1)
    await expect(staticTextFile(path)).rejects.toMatchObject({ code: 'ERR_STORE_FORMAT' })
    await expect(staticFile(7 as never)).rejects.toThrow(TypeError)
  })
})
