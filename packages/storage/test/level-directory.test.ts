import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { LevelEngine } from '@secreg/storage'
import { expect, onTestFinished, test } from 'vitest'
import { outcome, put, temporaryDirectory } from './stores.ts'

async function opening(directory: string): Promise<string> {
  return outcome(async () => {
    const engine = await LevelEngine.open(directory)
    await engine.close()
  })
}

test('directory and files are private from creation', async () => {
  const before = process.umask(0o022)
  onTestFinished(() => {
    process.umask(before)
  })
  const directory = join(await temporaryDirectory(), 'new', 'db')
  const engine = await LevelEngine.open(directory)
  await engine.commit({ ops: [put('a')] })
  await engine.close()
  expect((await stat(directory)).mode & 0o777).toBe(0o700)
  for (const name of await readdir(directory)) {
    expect((await stat(join(directory, name))).mode & 0o777, name).toBe(0o600)
  }
})

test('a directory that others can reach into is refused', async () => {
  const parent = await temporaryDirectory()
  const directory = join(parent, 'db')
  expect(await opening(directory)).toBe('ok')
  for (const mode of [0o750, 0o701, 0o770, 0o777]) {
    await chmod(directory, mode)
    expect(await opening(directory)).toBe('ERR_STORAGE_PERMISSIONS')
  }
  await chmod(directory, 0o700)
  const link = join(parent, 'link')
  await symlink(directory, link)
  expect(await opening(link)).toBe('ERR_STORAGE_PERMISSIONS')
  expect(await opening(`${link}/`)).toBe('ERR_STORAGE_PERMISSIONS')
  await symlink('/etc/passwd', join(directory, '000099.ldb'))
  expect(await opening(directory)).toBe('ERR_STORAGE_PERMISSIONS')
})

test('what is no store is left alone', async () => {
  const directory = await temporaryDirectory()
  await writeFile(join(directory, 'letter.txt'), 'dear')
  expect(await opening(directory)).toBe('ERR_STORAGE_FORMAT')
  expect(await readdir(directory)).toEqual(['letter.txt'])
  expect(await opening(join(directory, 'letter.txt'))).toBe('ERR_STORAGE_PERMISSIONS')
  expect(await opening(join(directory, 'letter.txt', 'x'))).toBe('ERR_STORAGE_UNAVAILABLE')
})

test('a newer format is refused, a malformed one is damage', async () => {
  const directory = join(await temporaryDirectory(), 'db')
  await opening(directory)
  const path = join(directory, 'FORMAT')
  const good = await readFile(path, 'utf8')
  await writeFile(path, good.replace('"format":2', '"format":3'))
  expect(await opening(directory)).toBe('ERR_STORAGE_FORMAT')
  for (const bad of ['', '{', 'null', '[]', good.replace('ready', 'raedy'), good.slice(0, -4)]) {
    await writeFile(path, bad)
    expect(await opening(directory), bad).toBe('ERR_STORAGE_CORRUPT')
  }
  await writeFile(path, good)
  expect(await opening(directory)).toBe('ok')
})

test('a creation that was interrupted is finished at the next open', async () => {
  const directory = join(await temporaryDirectory(), 'db')
  await mkdir(directory, { mode: 0o700 })
  const generation = '0123456789abcdef0123456789abcdef'
  const format = { format: 2, state: 'creating', generation }
  await writeFile(join(directory, 'FORMAT'), JSON.stringify(format))
  const engine = await LevelEngine.open(directory)
  expect([engine.head, engine.generation]).toEqual([0, generation])
  await engine.close()
  expect(await readFile(join(directory, 'FORMAT'), 'utf8')).toContain('ready')
})

test('a store in use is refused as such, by this process and by others', async () => {
  const directory = join(await temporaryDirectory(), 'db')
  const engine = await LevelEngine.open(directory)
  await engine.commit({ ops: [put('a')] })
  expect(await opening(directory)).toBe('ERR_STORAGE_LOCKED')
  expect(await engine.commit({ ops: [put('a')] })).toEqual({ revision: 2 })
  await engine.close()
  const level = createRequire(import.meta.url).resolve('level')
  const source = `new (require(${JSON.stringify(level)}).Level)(process.argv[1]).open()
    .then(() => console.log('open'))
    .then(() => setInterval(() => {}, 1e6))`
  const holder = spawn(process.execPath, ['-e', source, directory])
  const exited = once(holder, 'exit')
  onTestFinished(async () => {
    holder.kill('SIGKILL')
    await exited
  })
  await once(holder.stdout, 'data')
  const error = await LevelEngine.open(directory).catch((each) => each)
  expect(error.code).toBe('ERR_STORAGE_LOCKED')
  expect(error.message).toContain('another process')
})

test('options of a wrong kind are refused', async () => {
  const directory = join(await temporaryDirectory(), 'db')
  await expect(LevelEngine.open('')).rejects.toThrow(TypeError)
  await expect(LevelEngine.open(7 as never)).rejects.toThrow(TypeError)
  for (const name of ['expectHeadAtLeast', 'cacheBytes', 'writeBufferBytes', 'reopenIntervalMs']) {
    for (const value of [-1, 1.5, Number.NaN, '1']) {
      const options = { [name]: value as number }
      await expect(LevelEngine.open(directory, options)).rejects.toThrow(RangeError)
    }
  }
})
