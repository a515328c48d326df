import { readFileSync, writeFileSync } from 'node:fs'
import { SecregError } from '@secreg/protocol'
import { createTempHome, type TempHome, waitFor } from '@secreg/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type UsersOfSystemOptions, usersOfSystem } from '../../src/users/users-of-system.ts'

let home: TempHome
let nowMs: number
let told: (string | undefined)[]
beforeEach(() => {
  home = createTempHome()
  nowMs = 0
  told = []
})
afterEach(() => home.remove())

/** A stand-in for getent(1) that answers by its last argument, and keeps what it was asked. */
function usersOf(cases: string, more: UsersOfSystemOptions = {}) {
  const program = home.file('getent')
  const script = `#!/bin/sh
echo "$#|$1|$2|$(pwd)|$(env | cut -d= -f1 | grep -v -e PWD -e SHLVL -e '^_$' | sort | tr '\\n' ,)" >> '${home.file('asked')}'
case "$2" in
${cases}
*) exit 2 ;;
esac
`
  writeFileSync(program, script, { mode: 0o755 })
  return usersOfSystem({
    program,
    timeoutMs: 10_000,
    ...more,
    now: () => nowMs,
    tell: (fault) => told.push(fault),
  })
}

const asked = (): string[] => readFileSync(home.file('asked'), 'utf8').trimEnd().split('\n')
const keysAsked = (): (string | undefined)[] => asked().map((line) => line.split('|')[2])

const ALICE = `alice|1001) echo 'alice:x:1001:1001:Alice:/home/alice:/bin/sh' ;;`

async function reasonOf(answer: Promise<unknown>): Promise<string> {
  const error = await answer.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  return SecregError.is(error) ? error.reason : String(error)
}

test('asks for a login or a uid, with nothing else in its environment', async () => {
  const users = usersOf(ALICE)
  expect(await users.find('alice')).toEqual({ uid: 1001 })
  expect(await users.loginOf(1001)).toBe('alice')
  expect(await users.find('bob')).toBeUndefined()
  expect(await users.loginOf(5)).toBeUndefined()
  expect(asked()).toEqual(
    ['alice', '1001', 'bob', '5'].map((key) => `2|passwd|${key}|/|LANG,PATH,`),
  )
})

test('what no user can be called never becomes an argument', async () => {
  const users = usersOf(`*) echo "$2:x:1001:1001:::" ;;`)
  for (const login of ['--help', '-s', '', 'a b', 'a;b', 'a:b', '../x', 'a\nb', 'é', '*']) {
    expect(await users.find(login)).toBeUndefined()
  }
  // A uid to getent: whoever it finds is somebody else.
  expect(await users.find('1001')).toBeUndefined()
  expect(() => asked()).toThrow('ENOENT')
})

test('another user than was asked for is not taken', async () => {
  const users = usersOf(`alice) echo 'mallory:x:0:0:::' ;;
7) echo 'seven:x:8:8:::' ;;
0) echo 'root:x:0:0:::' ;;
root) echo 'root:x:0:0:::' ;;`)
  expect(await users.find('alice')).toBeUndefined()
  expect(await users.loginOf(7)).toBeUndefined()
  expect(await users.loginOf(0)).toBe('root')
})

test('a login that is the first one of another uid is not that of this one', async () => {
  const users = usersOf(`1001|alice) echo 'alice:x:1001:1:::' ;;
5000) echo 'alice:x:5000:1:::' ;;
6000) echo 'gone:x:6000:1:::' ;;`)
  expect(await users.loginOf(1001)).toBe('alice')
  expect(await users.loginOf(5000)).toBeUndefined()
  expect(await users.loginOf(6000)).toBeUndefined()
})

test('only the first line counts, and garbage is nobody', async () => {
  const users = usersOf(`alice) printf 'alice:x:1:1:::\\nalice:x:0:0:::\\n' ;;
bob) echo 'no such thing' ;;
carol) : ;;`)
  expect(await users.find('alice')).toEqual({ uid: 1 })
  expect(await users.find('bob')).toBeUndefined()
  expect(await users.find('carol')).toBeUndefined()
})

test('answers are kept: those found for 30 s, the others for 5 s', async () => {
  const users = usersOf(ALICE)
  const ask = async (): Promise<void> => {
    await users.find('alice')
    await users.find('bob')
  }
  await ask()
  nowMs = 4999
  await ask()
  expect(keysAsked()).toEqual(['alice', 'bob'])
  nowMs = 5000
  await ask()
  expect(keysAsked()).toEqual(['alice', 'bob', 'bob'])
  nowMs = 30_000
  await ask()
  expect(keysAsked()).toEqual(['alice', 'bob', 'bob', 'alice', 'bob'])
})

test('the same question at the same time is asked once', async () => {
  const users = usersOf(ALICE)
  const answers = await Promise.all(Array.from({ length: 20 }, () => users.find('alice')))
  expect(answers.every((answer) => answer?.uid === 1001)).toBe(true)
  expect(keysAsked()).toEqual(['alice'])
})

test('what gives no answer says nothing of anybody, and is told once', async () => {
  const users = usersOf(`alice) exit 1 ;;
bob) exit 3 ;;
killed) kill -9 $$ ;;
loud) head -c 100000 /dev/zero | tr '\\0' a ;;
carol) echo 'carol:x:3:3:::' ;;`)
  expect(await reasonOf(users.find('alice'))).toBe('BUSY')
  expect(await reasonOf(users.find('alice'))).toBe('BUSY')
  expect(await reasonOf(users.find('bob'))).toBe('BUSY')
  expect(await reasonOf(users.find('killed'))).toBe('BUSY')
  expect(await reasonOf(users.find('loud'))).toBe('BUSY')
  expect(await users.find('carol')).toEqual({ uid: 3 })
  expect(told).toEqual([
    'getent ended with 1',
    'getent ended with 3',
    'getent ended with a signal',
    'getent cannot be asked (ERR_CHILD_PROCESS_STDIO_MAXBUFFER)',
    undefined,
  ])
})

test('what does not answer in time is killed', async () => {
  const users = usersOf(`alice) exec sleep 600 ;;`, { timeoutMs: 100 })
  expect(await reasonOf(users.find('alice'))).toBe('BUSY')
  expect(told).toEqual(['getent gave no answer within 100 ms'])
})

test('few at once, and those who wait are not without bound', async () => {
  const go = home.file('go')
  const users = usersOf(
    `*)
  echo started >> '${home.file('started')}'
  while [ ! -e '${go}' ]; do sleep 0.01; done
  echo "$2:x:9:9:::" ;;`,
    { maxRunning: 2, maxWaiting: 3 },
  )
  const answers = Array.from({ length: 2 + 3 }, (_, at) => users.find(`user${at}`))
  await waitFor(() => readFileSync(home.file('started'), 'utf8').split('\n').length === 3)
  expect(await reasonOf(users.find('one-more'))).toBe('BUSY')
  expect(keysAsked()).toHaveLength(2)
  writeFileSync(go, '')
  const found = await Promise.all(answers)
  expect(found.every((answer) => answer?.uid === 9)).toBe(true)
  expect(await users.find('one-more')).toEqual({ uid: 9 })
})

test('a check says that it is missing', async () => {
  await usersOf(ALICE).check()
  await expect(usersOfSystem({ program: home.file('absent') }).check()).rejects.toThrow(
    expect.objectContaining({ reason: 'INVALID_ARGUMENT' }),
  )
})

test('the system has root', async () => {
  const users = usersOfSystem()
  await users.check()
  expect(await users.loginOf(0)).toBe('root')
  expect(await users.find('root')).toEqual({ uid: 0 })
  expect(await users.find('no-such-user-anywhere')).toBeUndefined()
})
