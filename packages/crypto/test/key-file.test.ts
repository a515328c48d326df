import { execFileSync } from 'node:child_process'
import { chmod, chown, link, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readKeyFile, readSystemdCredential } from '@secreg/crypto/node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codeOf } from './support.ts'

const asRoot = process.geteuid?.() === 0
const key = new Uint8Array(48).map((_, i) => i)
let home: string
let count = 0
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'secreg-keys-'))
})
afterAll(() => rm(home, { recursive: true }))

async function file(bytes: Uint8Array = key, mode = 0o600): Promise<string> {
  const path = join(home, `key${count++}`)
  await writeFile(path, bytes)
  await chmod(path, mode)
  return path
}

describe('key files', () => {
  test.each([0o600, 0o400])('mode %o is read', async (mode) => {
    const bytes = await readKeyFile(await file(key, mode))
    expect(bytes).toEqual(key)
    expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype)
  })

  test.each([0o640, 0o604, 0o660, 0o602, 0o620, 0o610, 0o777])(
    'mode %o is refused',
    async (mode) => {
      const path = await file(key, mode)
      expect(await codeOf(() => readKeyFile(path))).toBe('ERR_CRYPTO_KEY_FILE_UNSAFE')
    },
  )

  test.each([32, 33, 4096])('%i bytes are read', async (length) => {
    expect(await readKeyFile(await file(new Uint8Array(length)))).toHaveLength(length)
  })

  test.each([0, 1, 31, 4097, 100_000])('%i bytes are refused', async (length) => {
    const path = await file(new Uint8Array(length))
    expect(await codeOf(() => readKeyFile(path))).toBe('ERR_CRYPTO_KEY_FILE_SIZE')
  })

  test('a symbolic link is refused', async () => {
    const path = join(home, 'symlink')
    await symlink(await file(), path)
    expect(await codeOf(() => readKeyFile(path))).toBe('ERR_CRYPTO_KEY_FILE_UNSAFE')
  })

  test('what is not a regular file is refused, without waiting for it', async () => {
    const directory = join(home, 'directory')
    await mkdir(directory, { mode: 0o700 })
    const fifo = join(home, 'fifo')
    execFileSync('mkfifo', ['-m', '600', fifo])
    for (const path of [directory, fifo]) {
      expect(await codeOf(() => readKeyFile(path))).toBe('ERR_CRYPTO_KEY_FILE_UNSAFE')
    }
    const path = join(home, 'socket')
    const server = createServer().listen(path)
    await new Promise((resolve) => server.once('listening', resolve))
    expect(await codeOf(() => readKeyFile(path))).toBe('ERR_CRYPTO_KEY_FILE_UNREADABLE')
    await new Promise((resolve) => server.close(resolve))
  })

  test('a missing file says so, with its cause', async () => {
    await expect(readKeyFile(join(home, 'absent'))).rejects.toMatchObject({
      code: 'ERR_CRYPTO_KEY_FILE_UNREADABLE',
      cause: { code: 'ENOENT' },
    })
  })

  test.skipIf(!asRoot)('the file of another user is refused', async () => {
    const path = await file()
    await chown(path, 12_345, 12_345)
    expect(await codeOf(() => readKeyFile(path))).toBe('ERR_CRYPTO_KEY_FILE_UNSAFE')
  })

  test('a second name of the file is the same file', async () => {
    const path = join(home, 'hardlink')
    await link(await file(), path)
    expect(await readKeyFile(path)).toEqual(key)
  })

  test('arguments', async () => {
    await expect(readKeyFile(1 as never)).rejects.toThrow(TypeError)
    await expect(readKeyFile('')).rejects.toThrow(RangeError)
    await expect(readKeyFile('a\0b')).rejects.toThrow(RangeError)
  })
})

describe('systemd credentials', () => {
  const read = (name: string, directory: string | undefined = home) =>
    readSystemdCredential(name, { CREDENTIALS_DIRECTORY: directory })
  const credential = async (bytes: Uint8Array, mode: number): Promise<string> =>
    (await file(bytes, mode)).slice(home.length + 1)

  test('are read from the directory that systemd names', async () => {
    expect(await read(await credential(key, 0o400))).toEqual(key)
  })

  test.skipIf(!asRoot)("root's file may be readable through an ACL, others' not", async () => {
    expect(await read(await credential(key, 0o440))).toEqual(key)
    for (const mode of [0o444, 0o460, 0o450]) {
      const name = await credential(key, mode)
      expect(await codeOf(() => read(name))).toBe('ERR_CRYPTO_KEY_FILE_UNSAFE')
    }
  })

  test('35: a name that leaves the directory is refused', async () => {
    const names = ['../../x', '..', '.', '', '/etc/passwd', 'a/b', 'a/../b', './a', 'a\0b', 'a\\b']
    for (const name of [...names, 'a\nb', '-', '.hidden', 'x'.repeat(129)]) {
      expect(await codeOf(() => read(name))).toBe('ERR_CRYPTO_CREDENTIAL_NAME')
    }
  })

  test('a symbolic link in the directory is refused', async () => {
    await symlink(await file(), join(home, 'linked'))
    expect(await codeOf(() => read('linked'))).toBe('ERR_CRYPTO_KEY_FILE_UNSAFE')
  })

  test('no directory, or a relative one, is its own error', async () => {
    for (const env of [{}, { CREDENTIALS_DIRECTORY: '' }, { CREDENTIALS_DIRECTORY: 'relative' }]) {
      expect(await codeOf(() => readSystemdCredential('key', env))).toBe(
        'ERR_CRYPTO_CREDENTIAL_DIRECTORY',
      )
    }
    expect(await codeOf(() => read('absent'))).toBe('ERR_CRYPTO_KEY_FILE_UNREADABLE')
    await expect(readSystemdCredential(1 as never, {})).rejects.toThrow(TypeError)
  })
})
