/**
 * A gateway in wrong hands (DESIGN §3): what lies beside it, what is in its memory later on, and what it can do while
 * callers use it. For ids in memory after a session's whole life of five minutes: `SECREG_SOAK=1`.
 */
import { chmodSync, chownSync, cpSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { REQUESTS } from '@secreg/protocol/messages'
import {
  createCanary,
  findCanary,
  runChild,
  runNode,
  type SkippableContext,
  skipTest,
  startNode,
} from '@secreg/testkit'
import { buildSync } from 'esbuild'
import { expect, test } from 'vitest'
import { CertificateMaker } from '../lib/certificates.ts'
import { ADMINISTRATION, OPEN, passedOn } from '../lib/every-request.ts'
import { addUser, GATEWAY, GatewaySite, makeToken } from '../lib/gateway-site.ts'
import { ask, bearer } from '../lib/http-ask.ts'
import type { Attempts, Loot } from '../lib/intruder.ts'
import { ADMIN, PASSPHRASE, PASSWORD, SECREGD } from '../lib/site.ts'
import { ERROR } from '../lib/wire.ts'

/** User and group of the gateway: of nobody else on this machine, as far as is known. */
const GATEWAY_UID = 54_321

/** Type of a request by its name. */
const typeOf = (name: keyof typeof REQUESTS): number => REQUESTS[name].type

/** The other user is there, and can run Node.js. */
async function requireOtherUser(context: SkippableContext): Promise<void> {
  if (process.getuid?.() !== 0) skipTest(context, 'processes of another user need root')
  const ids = { uid: GATEWAY_UID, gid: GATEWAY_UID, cwd: '/' }
  const { code } = await runChild(process.execPath, ['-e', ''], ids)
  if (code !== 0) skipTest(context, 'another user cannot run this Node.js')
}

/** Everything below a directory, by what it is. */
function treeOf(directory: string): Pick<Attempts, 'files' | 'directories' | 'sockets'> {
  const found = { files: [] as string[], directories: [directory], sockets: [] as string[] }
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const path = join(directory, name)
    const facts = lstatSync(path)
    if (facts.isSocket()) found.sockets.push(path)
    else (facts.isDirectory() ? found.directories : found.files).push(path)
  }
  return found
}

test('its files, executable and socket rights read nothing of the registry', async (context) => {
  await requireOtherUser(context)
  await using site = new GatewaySite()
  const { home } = site
  const maker = CertificateMaker.in(home, context)
  const tls = await maker.make('localhost', { usage: 'serverAuth' })
  const keyFile = home.write('key', createCanary('key-file-of-32-bytes-at-the-least'))
  site.configure({
    config: `[unlock]\nkey_file = ${JSON.stringify(keyFile)}`,
    gateway: `group = "${GATEWAY_UID}"`,
    http: `tls_cert = ${JSON.stringify(tls.cert)}\ntls_key = ${JSON.stringify(tls.key)}`,
  })
  const program = home.file('program')
  cpSync(fileURLToPath(new URL('../', new URL(`file://${GATEWAY}`))), program, {
    recursive: true,
    filter: (path) => !/\/(?:src|test|node_modules)(?:\/|$)/.test(path),
  })
  const dev = home.file('dev')
  const secret = `${createCanary('value')}`
  const daemon = await site.start()
  using admin = await site.initialize()
  await admin.ok('set', { key: '/app/secret', value: secret, encrypt: true })
  await admin.ok('set', { key: '/app/plain', value: secret })
  await addUser(admin, 'alice')
  const token = await makeToken(admin, 'alice')
  await using home2 = startNode(SECREGD, ['--dev', dev])
  await home2.line(/"ready":true/)

  // As docs tell to install it: it reads its configuration, its certificate and its program, and enters the directory.
  chmodSync(home.path, 0o711)
  for (const path of [site.config, tls.cert, tls.key, ...treeOf(program).files]) {
    chownSync(path, 0, GATEWAY_UID)
    chmodSync(path, 0o640)
  }
  for (const path of treeOf(program).directories) {
    chownSync(path, 0, GATEWAY_UID)
    chmodSync(path, 0o750)
  }
  const ids = { uid: GATEWAY_UID, gid: GATEWAY_UID, cwd: '/' }
  await using gateway = startNode(
    join(program, 'bin/secreg-gateway.js'),
    ['--config', site.config],
    ids,
  )
  const { http } = JSON.parse(await gateway.line(/"ready":true/))
  const served = { body: {}, headers: bearer(token.secret), ca: readFileSync(tls.cert) }
  expect((await ask(`${http}/registry/whoami`, served)).json).toMatchObject({ user: 'alice' })

  const intruder = home.file('intruder.mjs')
  buildSync({
    entryPoints: [fileURLToPath(new URL('../lib/intruder.ts', import.meta.url))],
    outfile: intruder,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    logLevel: 'error',
  })
  const everything = treeOf(home.path)
  const ofDaemon = ['mem', 'environ', 'maps', 'io'].map((name) => `/proc/${daemon.pid}/${name}`)
  const requests = [
    ...Object.entries(OPEN),
    ...Object.entries(passedOn('/app/secret')),
    ...ADMINISTRATION,
  ].map(([name, payload]) => [typeOf(name as keyof typeof REQUESTS), payload] as const)
  const logins = [
    { username: ADMIN, password: 'a guess of a password' },
    { token: 'a'.repeat(40) },
    { assertions: ['tailnet:alice@example.com'] },
    { assertions: [`user:${ADMIN}`] },
  ].map((payload) => [typeOf('auth'), payload] as const)
  const before = site.records().length
  const attempts: Attempts = {
    ...everything,
    files: [...everything.files, ...ofDaemon],
    gateway: site.gatewaySocket,
    requests: [...requests, ...logins],
  }
  chmodSync(intruder, 0o644)
  const run = await runNode(intruder, [], { ...ids, input: JSON.stringify(attempts) })
  expect(run.code, run.stderr).toBe(0)
  const loot: Loot = JSON.parse(run.stdout)
  expect(loot.uid).toBe(GATEWAY_UID)

  // What it can open is what it needs, and nothing else.
  const own = treeOf(program)
  const needed = [site.config, tls.cert, tls.key, intruder, site.gatewaySocket]
  expect([...loot.open].sort()).toEqual([...needed, ...own.files, ...own.directories].sort())
  expect(loot.writable).toEqual([])
  expect(everything.files.filter((file) => file.startsWith(site.data)).length).toBeGreaterThan(0)
  expect(everything.files).toContain(join(dev, 'admin.json'))
  expect(everything.sockets).toEqual(
    expect.arrayContaining([site.socket, join(dev, 'registry.sock'), join(dev, 'gateway.sock')]),
  )
  const secrets = [secret, token.secret, PASSPHRASE, PASSWORD, readFileSync(keyFile, 'latin1')]
  for (const text of secrets) {
    expect(findCanary(text, program)).toEqual([])
    for (const file of [site.config, tls.cert, tls.key]) {
      expect(readFileSync(file, 'latin1')).not.toContain(text)
    }
    expect(run.stdout).not.toContain(text)
  }

  // Without a credential the socket is good for nothing but what it takes to speak; each attempt leaves a record.
  const open = Object.keys(OPEN).length
  for (const [at, [type, body]] of loot.answers.entries()) {
    const what = JSON.stringify([attempts.requests[at], body])
    if (at < open) expect(type, what).not.toBe(ERROR)
    else if (type !== ERROR) expect(body, what).toMatchObject({ success: false })
    else
      expect(body, what).toHaveProperty(
        'reason',
        expect.stringMatching(/^(?:AUTH_REQUIRED|ACCESS_DENIED)$/),
      )
  }
  const records = site.records().slice(before)
  expect(records.map(({ body }) => body.outcome)).toEqual(
    Array(loot.answers.length - open).fill('denied'),
  )
  for (const { body } of records) {
    expect(body.actor).toMatchObject({ door: 'http', proof: 'asserted' })
    expect(body.actor.session).toBeUndefined()
  }
})
