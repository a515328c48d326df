import { chmodSync, chownSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { SecregError } from '@secreg/protocol'
import { createTempHome, skipTest, type TempHome } from '@secreg/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { SystemUsers } from '../../src/users/system-users.ts'
import { usersOfFile } from '../../src/users/users-file.ts'

let home: TempHome
let path: string
let told: (string | undefined)[]
let users: SystemUsers
beforeEach(() => {
  home = createTempHome()
  path = home.file('users')
  told = []
  writeFileSync(path, line('alice', 1001) + line('bob', 1002), { mode: 0o644 })
  users = usersOfFile({ path, tell: (fault) => told.push(fault) })
})
afterEach(() => home.remove())

function line(login: string, uid: number): string {
  return `${login}:x:${uid}:${uid}::/:/bin/sh\n`
}

async function reasonOf(answer: Promise<unknown>): Promise<string> {
  const error = await answer.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  return SecregError.is(error) ? error.reason : String(error)
}

test('users are found by login and by uid', async () => {
  expect(await users.loginOf(1001)).toBe('alice')
  expect(await users.find('bob')).toEqual({ uid: 1002 })
  expect(await users.loginOf(1003)).toBeUndefined()
  for (const login of ['carol', 'Alice', '1001', '', '__proto__', 'constructor', '*']) {
    expect(await users.find(login)).toBeUndefined()
  }
})

test('the first of several wins, and nobody is taken for whom the name belongs to', async () => {
  const lines = [line('alice', 7), line('second', 7), line('alice', 8), line('bob', 9)]
  writeFileSync(path, lines.join(''))
  expect(await users.loginOf(7)).toBe('alice')
  expect(await users.find('second')).toEqual({ uid: 7 })
  expect(await users.find('alice')).toEqual({ uid: 7 })
  expect(await users.loginOf(8)).toBeUndefined()
})

test('a change of the file holds at once, also where its size stays', async () => {
  expect(await users.loginOf(1001)).toBe('alice')
  writeFileSync(home.file('next'), line('carol', 1001) + line('bob', 1002), { mode: 0o644 })
  renameSync(home.file('next'), path)
  expect(await users.loginOf(1001)).toBe('carol')
  expect(await users.find('alice')).toBeUndefined()
})

test('without a file that can be trusted nobody is there, and nobody is absent', async () => {
  chmodSync(path, 0o664)
  expect(await reasonOf(users.find('alice'))).toBe('BUSY')
  expect(await reasonOf(users.find('nobody-at-all'))).toBe('BUSY')
  chmodSync(path, 0o646)
  expect(await reasonOf(users.loginOf(1001))).toBe('BUSY')
  chmodSync(path, 0o644)
  expect(await users.loginOf(1001)).toBe('alice')
  rmSync(path)
  expect(await reasonOf(users.loginOf(1001))).toBe('BUSY')
  mkdirSync(path)
  expect(await reasonOf(users.loginOf(1001))).toBe('BUSY')
  expect(told).toEqual([
    'it can be written by its group or others',
    undefined,
    'it cannot be read (ENOENT)',
    'it is not a regular file',
  ])
})

test('a file of another user is refused', async (context) => {
  if (process.getuid?.() !== 0) skipTest(context, 'only root can give files to others')
  chownSync(path, 1234, 1234)
  expect(await reasonOf(users.find('alice'))).toBe('BUSY')
  expect(await usersOfFile({ path, uid: 1234 }).find('alice')).toEqual({ uid: 1001 })
})

test('what is too large is not read', async () => {
  writeFileSync(path, line('alice', 1001).repeat(40_000))
  expect(await reasonOf(users.find('alice'))).toBe('BUSY')
  expect(told).toEqual(['it is larger than 1048576 bytes'])
})

test('a check says what is wrong', async () => {
  await users.check()
  chmodSync(path, 0o666)
  await expect(users.check()).rejects.toThrow(
    'subauth.users_file: it can be written by its group or others',
  )
})
