import { createCipheriv } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runChild } from '@secreg/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type ReadSecretsDirectoryOptions,
  readSecretsDirectory,
  readSecretsKey,
  type SecretFileOutcome,
} from '../../src/node/secrets-directory.ts'
import { SecretFileError } from '../../src/secret/secret-file-error.ts'
import { formatSecretXml } from '../../src/xml/format-secret-xml.ts'

const KEY = Uint8Array.from({ length: 32 }, (_, at) => at)
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'))
const uuidNumber = (number: number): string =>
  `11111111-1111-4111-8111-${String(number).padStart(12, '0')}`
const [A, B, C] = [uuidNumber(1), uuidNumber(2), uuidNumber(3)] as const

let home: string
let directory: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'libvirt-'))
  directory = join(home, 'secrets')
  mkdirSync(directory, { mode: 0o700 })
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const put = (name: string, content: string | Uint8Array): void =>
  writeFileSync(join(directory, name), content, { mode: 0o600 })

const definitionOf = (uuid: string) =>
  ({ uuid, usage: { type: 'tls', id: uuid }, ephemeral: false, private: false }) as const

const define = (uuid: string): void => put(`${uuid}.xml`, formatSecretXml(definitionOf(uuid)))

const base64 = (value: Uint8Array): string => Buffer.from(value).toString('base64')

const encrypt = (value: Uint8Array, key: Uint8Array = KEY): string => {
  const iv = KEY.subarray(3, 19)
  const cipher = createCipheriv('aes-256-cbc', key, iv)
  return base64(Buffer.concat([iv, cipher.update(value), cipher.final()]))
}

const read = async (options?: ReadSecretsDirectoryOptions): Promise<SecretFileOutcome[]> => {
  const outcomes: SecretFileOutcome[] = []
  for await (const outcome of readSecretsDirectory(directory, options)) outcomes.push(outcome)
  return outcomes
}

/** The code with which the one secret of the directory is skipped. */
const skipped = async (options?: ReadSecretsDirectoryOptions): Promise<string | undefined> => {
  const [only, ...others] = await read(options)
  expect(others).toEqual([])
  return only?.outcome === 'skipped' ? only.error.code : only?.outcome
}

describe('a directory of libvirt', () => {
  it('is read by name, each secret with its value', async () => {
    for (const uuid of [C, A, B]) define(uuid)
    put(`${A}.base64`, base64(bytes('plain')))
    put(`${C}.aes256cbc`, encrypt(bytes('encrypted')))
    put('secret.conf', 'encrypt_data = 1')
    put(`${A}.xml.new`, 'half a fi')
    expect(await read({ key: KEY })).toEqual([
      { outcome: 'ok', name: `${A}.xml`, definition: definitionOf(A), value: bytes('plain') },
      { outcome: 'ok', name: `${B}.xml`, definition: definitionOf(B) },
      { outcome: 'ok', name: `${C}.xml`, definition: definitionOf(C), value: bytes('encrypted') },
    ])
  })

  it('may be empty, and may be a link', async () => {
    expect(await read()).toEqual([])
    define(A)
    const link = join(home, 'link')
    symlinkSync(directory, link)
    const { value: first } = await readSecretsDirectory(link).next()
    expect(first).toMatchObject({ outcome: 'ok', name: `${A}.xml` })
  })

  it('opens what openssl encrypted', async () => {
    define(A)
    // openssl enc -aes-256-cbc -K 000102…1f -iv 6465…73, with the latter in front.
    put(`${A}.aes256cbc`, 'ZGVmZ2hpamtsbW5vcHFyc5oRe9Uc55FGs73Y6V5Bigk=')
    expect(await read({ key: KEY })).toMatchObject([{ value: bytes('a volume key\0\xff') }])
  })

  it.each([1, 15, 16, 17, 65_536])('has values of %i bytes', async (length) => {
    const value = Uint8Array.from({ length }, (_, at) => at * 7)
    define(A)
    define(B)
    put(`${A}.aes256cbc`, encrypt(value))
    put(`${B}.base64`, base64(value).replace(/.{1,76}/g, '$&\n'))
    expect((await read({ key: KEY })).map((each) => 'value' in each && each.value)).toEqual([
      value,
      value,
    ])
  })
})

describe('a secret is skipped', () => {
  it.each([
    ['of another name', `${B}.xml`, formatSecretXml(definitionOf(A)), 'ERR_LIBVIRT_FILE_NAME'],
    ['of no UUID', 'x.xml', formatSecretXml(definitionOf(A)), 'ERR_LIBVIRT_FILE_NAME'],
    ['of other XML', `${A}.xml`, '<domain/>', 'ERR_LIBVIRT_FILE_XML'],
    ['that is empty', `${A}.xml`, '', 'ERR_LIBVIRT_FILE_XML'],
    ['that is too long', `${A}.xml`, ' '.repeat(4_194_305), 'ERR_LIBVIRT_FILE_SIZE'],
    ['without definition', `${A}.base64`, 'YQ==', 'ERR_LIBVIRT_FILE_ORPHAN'],
    ['without definition, encrypted', `${A}.aes256cbc`, 'YQ==', 'ERR_LIBVIRT_FILE_ORPHAN'],
  ])('for a file %s', async (_, name, content, code) => {
    put(name, content)
    expect(await skipped()).toBe(code)
  })

  it.each([
    ['no base64', '.base64', 'a value', 'ERR_LIBVIRT_FILE_VALUE'],
    ['nothing', '.base64', '', 'ERR_LIBVIRT_FILE_VALUE'],
    ['too long a value', '.base64', base64(new Uint8Array(65_537)), 'ERR_LIBVIRT_FILE_VALUE'],
    ['too much', '.base64', ' '.repeat(98_305), 'ERR_LIBVIRT_FILE_SIZE'],
    ['no base64, encrypted', '.aes256cbc', 'a value', 'ERR_LIBVIRT_FILE_VALUE'],
    ['no value, encrypted', '.aes256cbc', encrypt(new Uint8Array(0)), 'ERR_LIBVIRT_FILE_VALUE'],
    [
      'too long a value, encrypted',
      '.aes256cbc',
      encrypt(new Uint8Array(65_537)),
      'ERR_LIBVIRT_FILE_VALUE',
    ],
    ['less than the random bytes', '.aes256cbc', 'YQ==', 'ERR_LIBVIRT_FILE_DECRYPT'],
    ['random bytes alone', '.aes256cbc', base64(KEY.subarray(16)), 'ERR_LIBVIRT_FILE_DECRYPT'],
    ['half a block', '.aes256cbc', base64(KEY.subarray(8)), 'ERR_LIBVIRT_FILE_DECRYPT'],
    [
      'what another key made',
      '.aes256cbc',
      encrypt(bytes('a'), KEY.toReversed()),
      'ERR_LIBVIRT_FILE_DECRYPT',
    ],
  ])('for a value of %s', async (_, suffix, content, code) => {
    define(A)
    put(`${A}${suffix}`, content)
    expect(await skipped({ key: KEY })).toBe(code)
  })

  it('for an encrypted value without key', async () => {
    define(A)
    put(`${A}.aes256cbc`, encrypt(bytes('a')))
    expect(await skipped()).toBe('ERR_LIBVIRT_FILE_ENCRYPTED')
  })

  it('for two values', async () => {
    define(A)
    put(`${A}.aes256cbc`, encrypt(bytes('new')))
    put(`${A}.base64`, base64(bytes('old')))
    expect(await skipped({ key: KEY })).toBe('ERR_LIBVIRT_FILE_TWO_VALUES')
  })

  it('for links, wherever they lead, and leaves the others', async () => {
    writeFileSync(join(home, 'outside.xml'), formatSecretXml(definitionOf(A)))
    symlinkSync(join(home, 'outside.xml'), join(directory, `${A}.xml`))
    define(B)
    put('value', base64(bytes('inside')))
    symlinkSync('value', join(directory, `${B}.base64`))
    define(C)
    symlinkSync(join(home, 'nowhere'), join(directory, `${C}.aes256cbc`))
    define(uuidNumber(4))
    const outcomes = await read()
    expect(outcomes.map((each) => (each.outcome === 'ok' ? 'ok' : each.error.code))).toEqual([
      'ERR_LIBVIRT_FILE_UNSAFE',
      'ERR_LIBVIRT_FILE_UNSAFE',
      'ERR_LIBVIRT_FILE_UNSAFE',
      'ok',
    ])
  })

  it('for a directory, a pipe or a socket in place of a file', async () => {
    mkdirSync(join(directory, `${A}.xml`))
    await runChild('mkfifo', [join(directory, `${B}.xml`)])
    const server = createServer().listen(join(directory, `${C}.xml`))
    try {
      await new Promise((resolve) => server.once('listening', resolve))
      const outcomes = await read()
      expect(outcomes).toHaveLength(3)
      for (const outcome of outcomes) {
        expect(outcome).toMatchObject({ error: { code: 'ERR_LIBVIRT_FILE_UNSAFE' } })
      }
    } finally {
      server.close()
    }
  })

  it('with an error that names the file and nothing in it', async () => {
    define(A)
    put(`${A}.base64`, 'canary-of-a-value!')
    const [outcome] = await read()
    if (outcome?.outcome !== 'skipped') throw new Error('was taken')
    expect(outcome.error.file).toBe(join(directory, `${A}.base64`))
    expect(JSON.stringify(outcome.error, Object.getOwnPropertyNames(outcome.error))).not.toContain(
      'canary',
    )
  })
})

describe('readSecretsDirectory', () => {
  it('says where there is no directory', async () => {
    for (const path of [join(home, 'none'), join(home, 'a\0b')]) {
      const failure = await readSecretsDirectory(path)
        .next()
        .catch((error: unknown) => error)
      expect(SecretFileError.is(failure, 'ERR_LIBVIRT_FILE_DIRECTORY')).toBe(true)
    }
  })

  it('ends with its signal, between secrets', async () => {
    define(A)
    define(B)
    const abort = new AbortController()
    const secrets = readSecretsDirectory(directory, { signal: abort.signal })
    expect(await secrets.next()).toMatchObject({ done: false })
    abort.abort(new Error('enough'))
    await expect(secrets.next()).rejects.toThrow('enough')
  })

  it('leaves the key as it is', async () => {
    define(A)
    put(`${A}.aes256cbc`, encrypt(bytes('a')))
    const key = KEY.slice()
    await read({ key })
    expect(key).toEqual(KEY)
  })

  it.each([
    [7, {}, TypeError],
    ['/', { key: 'x' }, TypeError],
    ['/', { key: new Uint8Array(31) }, RangeError],
  ])('refuses (%j, %j)', async (path, options, error) => {
    await expect(readSecretsDirectory(path as string, options as never).next()).rejects.toThrow(
      error,
    )
  })
})

describe('readSecretsKey', () => {
  it('reads 32 bytes', async () => {
    put('key', KEY)
    expect(await readSecretsKey(join(directory, 'key'))).toEqual(KEY)
  })

  it.each([
    ['shorter', KEY.subarray(1), 'ERR_LIBVIRT_FILE_KEY'],
    ['longer', Uint8Array.from([...KEY, 10]), 'ERR_LIBVIRT_FILE_SIZE'],
  ])('refuses a %s one', async (_, content, code) => {
    put('key', content)
    await expect(readSecretsKey(join(directory, 'key'))).rejects.toMatchObject({ code })
  })

  it('says where there is none', async () => {
    await expect(readSecretsKey(join(directory, 'key'))).rejects.toMatchObject({
      code: 'ERR_LIBVIRT_FILE_UNREADABLE',
    })
  })
})
