/** What clients of setec have written, seen, read, recorded, backed up and exported by commands of ours; and back. */
import { readFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import { base64, callSetec, secretIn } from '../lib/setec-call.ts'
import { ADMIN, type AuditLine } from '../lib/site.ts'
import { DoorDesk } from './door-desk.ts'

// Each command line is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000 })

/** Names of secrets, and where they are. */
const PATHS: Readonly<Record<string, string>> = {
  plain: '/setec/plain',
  'prod/db/password': '/setec/prod%2Fdb%2Fpassword',
  'nul\0and\nlines': '/setec/nul%00and%0Alines',
  é: '/setec/é',
  // The same to the eye, and another name.
  'e\u0301': '/setec/e%CC%81',
  '😀\ue000': '/setec/😀\ue000',
  '..': '/setec/%2E%2E',
  '*?[]$(x)': '/setec/%2A%3F%5B%5D%24(x)',
  '%41': '/setec/%2541',
  ' spaced "name" ': '/setec/ spaced %22name%22 ',
}

const NAMES = Object.keys(PATHS)
const RAW = 'nul\0and\nlines'

/** Bytes of a secret, no text. */
const bytesOf = (name: string): Buffer =>
  Buffer.concat([Buffer.from([0, 255, 10]), Buffer.from(name)])

async function read(desk: DoorDesk, token: string, Name: string, Version = 0): Promise<string> {
  const reply = await callSetec(desk.at(token), 'get', { Name, Version })
  expect(reply.status, JSON.stringify(Name)).toBe(200)
  return reply.json.Value
}

/** A desk with a client of setec who may everything there. */
async function openDesk(): Promise<{ desk: DoorDesk; token: string }> {
  const desk = await DoorDesk.open()
  const token = await desk.addUser('ann')
  const action = ['get', 'info', 'put', 'create-version', 'activate', 'delete']
  await desk.import('of-ann', 'user:ann', [{ action, secret: ['*'] }])
  return { desk, token }
}

test('whatever the name: listed, read, told, recorded; and written so that a client has it', async () => {
  const { desk, token } = await openDesk()
  await using _ = desk
  for (const name of NAMES) {
    const Value = bytesOf(name).toString('base64')
    const put = await callSetec(desk.at(token), 'put', { Name: name, Value })
    expect(put.status, JSON.stringify(name)).toBe(200)
    expect(await read(desk, token, name)).toBe(Value)
  }
  const { json } = await callSetec(desk.at(token), 'list')
  const order = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
  expect(json.map(({ Name }: { Name: string }) => Name)).toEqual([...NAMES].sort(order))

  const { keys } = JSON.parse(await desk.ok('sreg list /setec --json'))
  expect(keys).toEqual(Object.values(PATHS).sort(order))
  await Promise.all(
    Object.entries(PATHS).map(async ([name, path]) => {
      const shown = await desk.sreg(['get', path, '--decrypt'])
      expect(shown.stdout, path).toBe(`${bytesOf(name).toString('base64')}\n`)
    }),
  )
  const raw = desk.launch(['get', PATHS[RAW] as string, '--decrypt', '--raw'])
  await raw.exit
  expect(Buffer.from(raw.stdoutBytes()).equals(bytesOf(RAW))).toBe(true)

  // The log has the same path, whichever door it was; newest first.
  await Promise.all(
    Object.entries(PATHS).map(async ([name, path]) => {
      const { stdout } = await desk.sreg(['audit', '--key', path, '--json'])
      const { records } = JSON.parse(stdout) as { records: AuditLine['body'][] }
      expect(
        records.map(({ action, actor }) => `${action} ${actor.user} ${actor.door}`),
        path,
      ).toEqual([
        `decrypt ${ADMIN} registry`,
        ...(name === RAW ? [`decrypt ${ADMIN} registry`] : []),
        'decrypt ann http',
        'write ann http',
      ])
    }),
  )
  await desk.ok('sreg audit verify')

  // By the rules of the mount: another version, which waits to be activated.
  await desk.ok("sreg set '/setec/prod%2Fdb%2Fpassword' rotated --encrypt")
  const Name = 'prod/db/password'
  expect(await read(desk, token, Name)).toBe(bytesOf(Name).toString('base64'))
  expect(Buffer.from(await read(desk, token, Name, 2), 'base64').toString()).toBe('rotated')
  await desk.ok("sreg activate '/setec/prod%2Fdb%2Fpassword' 2")
  const poll = await callSetec(desk.at(token), 'get', { Name, Version: 1, UpdateIfChanged: true })
  expect([poll.json.Version, secretIn(poll)]).toEqual([2, 'rotated'])
  const same = { Version: 2, UpdateIfChanged: true }
  expect(await desk.status(token, 'get', Name, same)).toBe(304)
  const history = JSON.parse(await desk.ok("sreg history '/setec/prod%2Fdb%2Fpassword' --json"))
  expect(history).toMatchObject({
    active: 2,
    versions: [
      { version: 2, created_by: ADMIN },
      { version: 1, created_by: 'ann' },
    ],
    polled: [{ by: 'ann' }],
  })
  await desk.ok("sreg delete '/setec/prod%2Fdb%2Fpassword'")
  expect(await desk.status(token, 'get', Name)).toBe(404)
  await desk.ok("sreg undelete '/setec/prod%2Fdb%2Fpassword'")
  expect(await desk.status(token, 'get', Name)).toBe(200)
})

test('lost and restored, and carried to another registry', async () => {
  const { desk, token } = await openDesk()
  await using _ = desk
  const call = async (operation: string, body: object): Promise<void> => {
    const reply = await callSetec(desk.at(token), operation, body)
    expect(reply.status, `${operation} ${JSON.stringify(body)}`).toBe(200)
  }
  for (const name of NAMES) {
    await call('create-version', { Name: name, Version: 5, Value: base64('before') })
    await call('create-version', {
      Name: name,
      Version: 40,
      Value: bytesOf(name).toString('base64'),
    })
  }
  await desk.ok('sreg backup registry.backup')
  for (const Name of NAMES) await call('delete', { Name })
  expect((await callSetec(desk.at(token), 'list')).text).toBe('null')
  await desk.ok('sreg restore registry.backup --only /setec --password-stdin < passphrase')
  for (const Name of NAMES) {
    expect(await read(desk, token, Name)).toBe(bytesOf(Name).toString('base64'))
    // A client that has 40 gets what is there now, under a number that it has never had.
    const poll = { Name, Version: 40, UpdateIfChanged: true }
    const { json } = await callSetec(desk.at(token), 'get', poll)
    expect(json.Version).toBeGreaterThan(40)
  }

  await desk.ok('sreg export --prefix /setec --output plain.json')
  expect(JSON.parse(await desk.ok('cat plain.json')).entries).toEqual([])
  await desk.ok(
    'sreg export --prefix /setec --encrypt --output sealed.json --password-stdin < passphrase',
  )
  const { desk: other, token: theirs } = await openDesk()
  await using __ = other
  other.file('sealed.json', readFileSync(desk.path('sealed.json')))
  await other.ok('sreg import sealed.json --decrypt --password-stdin < passphrase')
  for (const Name of NAMES) {
    expect(await read(other, theirs, Name)).toBe(bytesOf(Name).toString('base64'))
    const info = await callSetec(other.at(theirs), 'info', { Name })
    expect(info.json).toEqual({ Name, Versions: [1], ActiveVersion: 1 })
  }
})
