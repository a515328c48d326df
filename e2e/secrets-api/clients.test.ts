/** Whoever uses the Secrets API: `sreg secret`, `sreg run`, tokens of the registry over HTTP, and a development home. */
import { readFileSync } from 'node:fs'
import { createSecretsClient } from '@secreg/secrets-api/client'
import { createTempHome, requireProgram, runChild, startNode, waitFor } from '@secreg/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Desk } from '../cli/desk.ts'
import { addUser, makeToken } from '../lib/gateway-site.ts'
import { ask } from '../lib/http-ask.ts'
import { expectCode, expectReply } from '../lib/secrets-call.ts'
import { permitEverything, setRules } from '../lib/secrets-policies.ts'
import { GUARDED, openSecretsDesk, type SecretsDesk } from '../lib/secrets-site.ts'
import { SecretsStream } from '../lib/secrets-stream.ts'
import { SECREGD } from '../lib/site.ts'
import { accountCases } from './account-cases.ts'

const TEST = 'openbao+kv2://secret/app/test#value'

let secrets: SecretsDesk
let desk: Desk
beforeAll(async () => {
  secrets = await openSecretsDesk({ env: GUARDED })
  desk = new Desk({}, secrets.running.site)
  await permitEverything(secrets.admin)
  await desk.ok('sreg login "$ADMIN" --password-stdin < password')
})
afterAll(() => secrets?.[Symbol.asyncDispose]())

describe('sreg secret', () => {
  test('reads, writes, rotates, copies, moves and finds', async () => {
    await desk.transcript(`
      $ sreg secret get '${TEST}'
      two
      $ sreg secret get '${TEST}' --version 1
      one
      $ printf 'of a pipe' | sreg secret set openbao+kv2://secret/cli/one#key -
      $ sreg secret get openbao+kv2://secret/cli/one#key
      of a pipe
      $ sreg secret get openbao+kv2://secret/cli/one
      {"key":"of a pipe"}
      $ printf 'rotated' | sreg secret rotate openbao+kv2://secret/cli/one#key -
      $ sreg secret copy openbao+kv2://secret/cli/one#key yaml://secret/cli#copied
      $ sreg secret move openbao+kv2://secret/cli/one#key hashicorp+kv2://secret/cli/two#key
      $ sreg secret get hashicorp+kv2://secret/cli/two#key
      rotated
      $ sreg secret get yaml://secret/cli#copied
      rotated
      $ sreg secret search copied
      yaml://secret/cli#copied
    `)
    const json = JSON.parse(await desk.ok(`sreg --json secret get '${TEST}'`))
    expect(json).toEqual({ uri: TEST, value: 'two', version: 2 })
  })

  test('ends with the class of what was refused', async () => {
    await desk.fails('sreg secret get openbao+kv2://secret/../x#k', 1, 'not a canonical secret URI')
    await desk.fails('sreg secret get openbao+kv2://secret/none#k', 2, 'no such secret')
    await desk.fails(
      `sreg secret copy '${TEST}' openbao+kv2://secret/app/api#token`,
      5,
      'the destination exists already',
    )
    await desk.fails(
      'printf x | sreg secret set openbao+kv2://secret/app/api#token - --cas 9',
      6,
      'the secret has changed meanwhile',
    )
    await desk.fails('sreg secret get yaml://other/a#b', 1, 'mount not allowed for tenant')
  })

  test('is not for whom no policy is about', async () => {
    const { admin } = secrets
    await addUser(admin, 'stranger')
    await setRules(admin, 'stranger', [
      {
        id: 'nothing',
        effect: 'deny',
        principals: ['user:stranger'],
        actions: ['read'],
        resources: ['openbao+kv2://secret/**'],
      },
    ])
    const { secret } = await makeToken(admin, 'stranger')
    const { code, stdout, stderr } = await desk.sh(
      `SECREG_TOKEN=${secret} sreg --json secret get '${TEST}'`,
    )
    expect([code, stdout]).toEqual([3, ''])
    expect(stderr).toContain('SECRET_AUTHZ_FAILED')
  })
})

describe('sreg run', () => {
  const env = { DB_PASSWORD_POINTER: TEST, API_POINTER: 'openbao+kv2://secret/app/api' }
  const run = (script: string, more: NodeJS.ProcessEnv = {}) =>
    desk.launch(['run', '--', '/bin/sh', '-c', script], undefined, { ...env, ...more })

  test('gives a program the secrets that it needs, and nothing else of them', async () => {
    await using child = run('env; printf "%s" "$0 $*" >&2')
    expect(await child.exit).toEqual({ code: 0, signal: null })
    const lines = child.stdout().split('\n')
    expect(lines).toContain('DB_PASSWORD=two')
    expect(lines).toContain('API={"token":"t1","user":"u"}')
    expect(lines.filter((line) => line.includes('_POINTER'))).toEqual([])
    expect(child.stderr()).not.toContain('two')
  })

  test('starts nothing where one of them cannot be read, and names the variable', async () => {
    const missing = { OTHER_POINTER: 'openbao+kv2://secret/none#k' }
    await using child = run('echo started', missing)
    expect(await child.exit).toEqual({ code: 2, signal: null })
    expect(child.stdout()).toBe('')
    expect(child.stderr()).toContain('OTHER_POINTER')
    await using twice = run('echo started', { DB_PASSWORD: 'mine' })
    expect(await twice.exit).toEqual({ code: 1, signal: null })
    expect(twice.stdout()).toBe('')
    expect(twice.stderr()).not.toContain('mine')
  })

  test('ends as the program does, and hands it signals', async () => {
    await using seven = run('exit 7')
    expect(await seven.exit).toEqual({ code: 7, signal: null })
    await using killed = run('kill -TERM $$')
    expect(await killed.exit).toEqual({ code: 128 + 15, signal: null })
    await using asked = run(
      'trap "echo asked; exit 3" USR1; echo ready; while :; do sleep 0.1; done',
    )
    await asked.line(/^ready$/)
    asked.signal('SIGUSR1')
    expect(await asked.exit).toEqual({ code: 3, signal: null })
    expect(asked.stdout()).toContain('asked')
    const absent = await desk.sreg(['run', '--', '/nowhere/at/all'])
    expect(absent.code).toBe(127)
  })
})

accountCases(() => secrets)

test('the client reads, writes, finds, follows, and says what was refused', async () => {
  const { secret: token } = await makeToken(secrets.admin, 'rita')
  const client = createSecretsClient({ url: secrets.running.site.http, token, readRetries: 1 })
  const uri = 'openbao+kv2://secret/client/one#key'
  const watching = new AbortController()
  const events = client.events({ signal: watching.signal })[Symbol.asyncIterator]()
  const first = events.next()
  // It begins where the stream does, which is not before it is open.
  await waitFor(async () => {
    await client.write(uri, 'written')
    return Promise.race([first, Promise.resolve(undefined)])
  })
  const { value: event } = await first
  expect(event).toMatchObject({ event: expect.stringMatching(/^SECRET_(?:CREATED|UPDATED)$/) })
  watching.abort()
  expect(await client.value(uri)).toMatchObject({ uri, value: 'written' })
  const { version } = await client.value(uri)
  expect(await client.rotate(uri, 'rotated')).toMatchObject({ oldVersion: version })
  await expect(client.write(uri, 'x', { cas: 0 })).rejects.toMatchObject({
    name: 'SecretsClientError',
    code: 'CAS_MISMATCH',
    status: 409,
  })
  const found: string[] = []
  const prefix = 'yaml://secret'
  for await (const item of client.search('e', { prefix, pageSize: 1 })) found.push(item.uri)
  expect(found.length).toBeGreaterThan(1)
  const copy = 'yaml://secret/client#copied'
  await client.copy(uri, copy, { overwrite: true })
  const done = await client.bulk([
    { op: 'delete', uri: copy },
    { op: 'delete', uri: copy },
  ])
  expect(done.results).toMatchObject([{ ok: true }, { ok: false, status: 404 }])
  await client.destroy(uri)
  await expect(client.value(uri)).rejects.toMatchObject({ code: 'SECRET_NOT_FOUND' })
  const stranger = createSecretsClient({ url: secrets.running.site.http, token: 'a.b.c' })
  await expect(stranger.value(uri)).rejects.toMatchObject({ code: 'UNAUTHENTICATED', status: 401 })
})

test('what was done is in the one log, under the names of secrets and of whoever did it', async () => {
  const shown = await desk.ok('sreg --json audit --action secret --limit 1000')
  const { records } = JSON.parse(shown)
  const bodies = records.map((record: { body?: object }) => record.body ?? record)
  expect(bodies).toContainEqual(
    expect.objectContaining({ action: 'secret', outcome: 'ok', paths: [TEST] }),
  )
  expect(bodies).toContainEqual(expect.objectContaining({ action: 'secret', outcome: 'denied' }))
  expect(await desk.ok('sreg audit --action secret --limit 5')).toMatch(/secret +/)
})

describe('a reload', () => {
  /** Have the daemon read its configuration again. */
  async function reload(change: (text: string) => string): Promise<void> {
    const { daemon, site } = secrets.running
    const reloads = (): number => daemon.stderr().split('"configuration reloaded"').length
    const before = reloads()
    site.home.write('config.toml', change(readFileSync(site.config, 'utf8')))
    daemon.signal('SIGHUP')
    await waitFor(() => reloads() > before)
  }

  test('keeps what the daemon was started with, though it is in its environment no more', async () => {
    const { secret } = await makeToken(secrets.admin, 'rita')
    await reload((text) => text)
    expectReply(await secrets.caller.value(TEST, secret), 200, { value: 'two' })
  })

  test('turns the API off and on', async () => {
    const { caller, admin, http } = secrets
    const { secret } = await makeToken(admin, 'rita')
    using stream = await SecretsStream.open(http, { token: secret })
    expect(stream.status).toBe(200)
    await reload((text) => text.replace('enabled = true', 'enabled = false'))
    expectCode(await caller.value(TEST, secret), 404, 'NOT_FOUND')
    await waitFor(() => stream.ended)
    await desk.fails(`sreg secret get '${TEST}'`, 2, '[secrets] enabled')
    await reload((text) => text.replace('enabled = false', 'enabled = true'))
    expectReply(await caller.value(TEST, secret), 200, { value: 'two' })
  })

  test('with other settings lets what is under way come to its end', async () => {
    const { caller, admin, standIn } = secrets
    const { secret } = await makeToken(admin, 'rita')
    const isValue = ({ target }: { target: string }): boolean => target.includes('/data/')
    const asked = (): number => standIn.requests.filter(isValue).length
    const before = asked()
    const end = standIn.fail({ kind: 'delay', ms: 1000 }, 1, isValue)
    const reading = caller.value(TEST, secret)
    await waitFor(() => asked() > before)
    await reload((text) => text.replace('enabled = true', 'enabled = true\naudit_buffer = 999'))
    expectReply(await reading, 200, { value: 'two' })
    end()
    expectReply(await caller.value(TEST, secret), 200, { value: 'two' })
  })

  test('with settings that are refused changes nothing', async () => {
    const { caller, admin, running } = secrets
    const { secret } = await makeToken(admin, 'rita')
    running.site.home.write(
      'config.toml',
      `${readFileSync(running.site.config, 'utf8')}\n[secrets.pdp]\ntoken_file = "/nowhere"\n`,
    )
    running.daemon.signal('SIGHUP')
    await running.daemon.line(/not reloaded/, { from: 'stderr' })
    expectReply(await caller.value(TEST, secret), 200, { value: 'two' })
  })
})

test('no value and no credential is where it was not told', () => secrets.expectNoLeak())

test('a development home does what the documentation says', async (context) => {
  requireProgram(context, 'curl')
  const page = readFileSync(new URL('../../docs/secrets-api.md', import.meta.url), 'utf8')
  const lines = /```sh\nurl=…[^\n]*\n([^`]+)```/.exec(page)?.[1] ?? ''
  expect(lines.match(/^curl /gm)).toHaveLength(2)
  await using home = createTempHome()
  await using daemon = startNode(SECREGD, ['--dev', home.file('dev')])
  const { http } = JSON.parse(await daemon.line(/"ready":true/, { timeoutMs: 40_000 })) as {
    http: string
  }
  await waitFor(async () => (await ask(`${http}/ready`)).status === 200)
  const { stdout, code } = await runChild('/bin/sh', ['-c', `url=${http}\n${lines}`])
  const uri = 'yaml://secret/env#MY_API_KEY'
  const answers = [
    { status: 'ok', uri, version: null },
    { uri, value: 'abc123', version: null },
  ]
  expect([code, stdout]).toEqual([0, answers.map((answer) => JSON.stringify(answer)).join('')])
  expect(readFileSync(home.file('dev', 'secrets.yaml'), 'utf8')).toContain('MY_API_KEY: "abc123"')
})
