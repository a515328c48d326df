/** Tailscale's own command `setec`, as it is, against daemon and gateway as processes. */
import { readFileSync } from 'node:fs'
import {
  cleanEnv,
  type Finished,
  freePort,
  requireProgram,
  type SkippableContext,
  startChild,
} from '@secreg/testkit'
import { expect, test } from 'vitest'
import { addUser, GatewaySite, setSetecRules, startGatewaySite } from '../lib/gateway-site.ts'
import { ALL_RULES, makeSetecCaller } from '../lib/setec-call.ts'

const PASSWORD = 'Pass:word/ with@ 9 ünd %41'

/** The program; the test is skipped when there is none. */
function setecOf(context: SkippableContext): string {
  return process.env['SECREG_TEST_SETEC'] ?? requireProgram(context, 'setec')
}

interface Ran extends Finished {
  /** Standard output as it is. */
  readonly bytes: Uint8Array
}

/** The command, as a person calls it. */
class Setec {
  readonly #program: string
  readonly #env: NodeJS.ProcessEnv

  constructor(program: string, env: NodeJS.ProcessEnv) {
    this.#program = program
    this.#env = cleanEnv(env)
  }

  async run(args: readonly string[], input?: string | Uint8Array): Promise<Ran> {
    const child = startChild(this.#program, args, {
      env: this.#env,
      ...(input === undefined ? {} : { input }),
    })
    const end = await child.exit
    return { ...end, stdout: child.stdout(), stderr: child.stderr(), bytes: child.stdoutBytes() }
  }

  /** Run what has to succeed; answers what it prints. */
  async ok(args: readonly string[], input?: string | Uint8Array): Promise<string> {
    const ran = await this.run(args, input)
    expect({ code: ran.code, args, stderr: ran.stderr }).toMatchObject({ code: 0 })
    return ran.stdout
  }

  /** Run what has to fail; answers why. */
  async fails(args: readonly string[], code = 1): Promise<string> {
    const ran = await this.run(args, '')
    expect({ code: ran.code, stdout: ran.stdout, args }).toEqual({ code, stdout: '', args })
    return ran.stderr
  }

  /** Run what wants a confirmation: once for its token, which ends with a minute, and again with it. */
  async confirmed(args: readonly string[]): Promise<string> {
    let token: string | undefined
    for (;;) {
      const ran = await this.run(token === undefined ? args : [...args, token])
      const next = /use token "([0-9a-f]+\.[0-9a-f]{16})"/.exec(ran.stderr)?.[1]
      if (token === undefined) expect(ran.stderr).toContain('confirmation required')
      if (next === undefined) {
        expect({ code: ran.code, stderr: ran.stderr }).toMatchObject({ code: 0 })
        return ran.stdout
      }
      token = next
    }
  }

  /** Active number and numbers of a secret, as `info` prints them. */
  async info(name: string): Promise<string> {
    const out = await this.ok(['info', name])
    const [, active, versions] =
      /^Name:\s+.*\nActive version:\s+(\d+)\nVersions:\s+(.*)\n$/.exec(out) ?? []
    return `${active} of ${versions}`
  }
}

/** The whole life of a secret; `name` must be new. */
async function live(setec: Setec, name: string, file: string): Promise<void> {
  expect(await setec.ok(['put', name], 'first')).toContain(`Secret saved as "${name}", version 1\n`)
  expect(await setec.ok(['get', name])).toBe('first')
  expect(await setec.ok(['put', '--from-file', file, name])).toContain('version 2\n')
  expect(await setec.ok(['get', name])).toBe('first')
  const second = await setec.run(['get', '--version', '2', name])
  expect(Buffer.from(second.bytes).equals(readFileSync(file))).toBe(true)
  // The latest value again is no new version.
  expect(await setec.ok(['put', '--from-file', file, name])).toContain('version 2\n')
  expect(await setec.info(name)).toBe('1 of 1, 2')

  expect(await setec.fails(['get', '--if-changed', '--version', '1', name])).toContain(
    'value not changed',
  )
  await setec.ok(['activate', name, '2'])
  const changed = await setec.run(['get', '--if-changed', '--version', '1', name])
  expect(changed).toMatchObject({ code: 0 })
  expect(Buffer.from(changed.bytes).equals(readFileSync(file))).toBe(true)

  expect(await setec.fails(['delete-version', name, '2', '1.0123456789abcdef'])).toContain(
    'incorrect confirmation',
  )
  expect(await setec.info(name)).toBe('2 of 1, 2')
  await setec.confirmed(['delete-version', name, '1'])
  expect(await setec.info(name)).toBe('2 of 2')
  expect(await setec.fails(['get', '--version', '1', name])).toContain('not found')
  expect(await setec.ok(['list'])).toMatch(new RegExp(`^${name} +2 +2$`, 'm'))
  await setec.confirmed(['delete', name])
  expect(await setec.fails(['get', name])).toContain('failed to get secret: not found')
  expect(await setec.ok(['list'])).not.toContain(name)
}

test('every command, by every form of the address of a server', async (context) => {
  const program = setecOf(context)
  await using started = await startGatewaySite()
  const { site, admin } = started
  const { secret } = await makeSetecCaller(admin, 'ann')
  await addUser(admin, 'ben', { password: PASSWORD })
  await setSetecRules(admin, 'setec-ben', ['user:ben'], ALL_RULES)
  const { host } = new URL(site.http)
  const userinfo = `ben:${encodeURIComponent(PASSWORD)}`
  // Bytes that are no text, so that none of them is lost on the way.
  const file = site.home.write(
    'value',
    Uint8Array.from({ length: 70_000 }, (_, i) => i * i),
  )
  const forms: Readonly<Record<string, NodeJS.ProcessEnv>> = {
    'a token before the path': { SETEC_SERVER: `http://${host}/t/${secret}` },
    'the same, with a slash at the end': { SETEC_SERVER: `http://${host}/t/${secret}/` },
    'user and password': { SETEC_SERVER: `http://${userinfo}@${host}` },
    'a token as user': { SETEC_SERVER: `http://${secret}@${host}` },
    'a proxy with a token': {
      SETEC_SERVER: 'http://192.0.2.1',
      HTTP_PROXY: `http://${secret}@${host}`,
    },
    'a proxy with user and password': {
      SETEC_SERVER: 'http://192.0.2.1',
      HTTP_PROXY: `http://${userinfo}@${host}`,
    },
  }
  await Promise.all(
    Object.values(forms).map((env, index) =>
      live(new Setec(program, env), `prod/of-${index}`, file),
    ),
  )
  const plain = new Setec(program, {})
  const server = `http://${secret}@${host}`
  await plain.ok(['-s', server, 'put', 'by-option'], 'x')
  expect(await plain.ok(['-s', server, 'get', 'by-option'])).toBe('x')
  expect(await plain.fails(['list'])).toContain('no server address is set')
})

test('values arrive as they are, and names that only look like something else', async (context) => {
  const program = setecOf(context)
  await using started = await startGatewaySite()
  const { site, admin } = started
  const { secret } = await makeSetecCaller(admin, 'ann')
  const setec = new Setec(program, { SETEC_SERVER: site.at(secret) })
  expect(await setec.ok(['list'])).toBe('NAME ACTIVE VERSIONS\n')

  const spaced = site.home.write('spaced', '  spaced \n')
  expect(await setec.fails(['put', '--from-file', spaced, 'n'])).toContain('surrounding whitespace')
  expect(await setec.fails(['put', 'n'])).toContain('empty secret value')
  await setec.ok(['put', '--verbatim', '--from-file', spaced, 'verbatim'])
  expect(await setec.ok(['get', 'verbatim'])).toBe('  spaced \n')
  await setec.ok(['put', '--trim-space', '--from-file', spaced, 'trimmed'])
  expect(await setec.ok(['get', 'trimmed'])).toBe('spaced')
  await setec.ok(['put', '--empty-ok', 'empty'], '')
  expect(await setec.ok(['get', 'empty'])).toBe('')
  const bytes = Uint8Array.from({ length: 1024 * 1024 }, (_, i) => (i * 31) ^ (i >> 8))
  await setec.ok(['put', 'large'], bytes)
  const { bytes: got } = await setec.run(['get', 'large'])
  expect(Buffer.from(got).equals(bytes)).toBe(true)

  const names = [
    'a/../b',
    '/lead//and/trail/',
    '.',
    'é',
    'e\u0301',
    '<&>',
    '50%41',
    '*',
    '😀\ue000',
  ]
  for (const name of names) await setec.ok(['put', name], `of ${name}`)
  for (const name of names) expect(await setec.ok(['get', name])).toBe(`of ${name}`)
  const listed = (await setec.ok(['list'])).split('\n').slice(1, -1)
  const all = [...names, 'verbatim', 'trimmed', 'empty', 'large']
  expect(listed.map((line) => line.replace(/ +1 +1$/, ''))).toEqual(
    all.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  )
})

test('what is refused is told, with the exit code of a failure', async (context) => {
  const program = setecOf(context)
  await using started = await startGatewaySite()
  const { site, admin, daemon } = started
  const rules = [
    { action: ['get', 'info'], secret: ['shown/*'] },
    { action: ['put', 'activate', 'delete'], secret: ['*'] },
  ]
  const { secret } = await makeSetecCaller(admin, 'ann', rules)
  const setec = new Setec(program, { SETEC_SERVER: site.at(secret) })
  await setec.ok(['put', 'shown/a'], 'a')
  await setec.ok(['put', 'hidden/a'], 'a')

  for (const name of ['hidden/a', 'hidden/nothing', 'shown']) {
    expect(await setec.fails(['get', name])).toContain('failed to get secret: access denied\n')
    expect(await setec.fails(['info', name])).toContain('access denied')
  }
  expect(await setec.ok(['list'])).toMatch(/^NAME .*\nshown\/a +1 +1\n$/)
  expect(await setec.fails(['get', 'shown/nothing'])).toContain('not found')
  expect(await setec.fails(['get', '--version', '7', 'shown/a'])).toContain('not found')
  expect(await setec.fails(['activate', 'shown/a', '7'])).toContain('not found')
  expect(await setec.fails(['activate', 'shown/a', '0'])).toContain(
    'request returned status 400: "invalid version, please specify a version > 0"',
  )
  expect(await setec.fails(['put', '--empty-ok', '_internal/x'])).toContain(
    'request returned status 400: "the name is reserved"',
  )
  expect(await setec.fails(['get', ''])).toContain('access denied')
  expect(await setec.fails(['put', '--empty-ok', ''])).toContain('status 400: "invalid name')
  const active = ['delete-version', 'shown/a', '1']
  const [, token = ''] = /use token "(.*)"/.exec(await setec.fails(active)) ?? []
  // The token may have ended with its minute, which is a failure as well.
  expect(await setec.fails([...active, token])).toMatch(/status 409: "version is active"|use token/)
  expect(await setec.info('shown/a')).toBe('1 of 1')
  expect(await setec.fails(['get'], 2)).toMatch(/usage|missing/i)

  const wrong = `${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`
  for (const server of [site.at(wrong), site.http, `${site.http.replace('//', '//ann:pw@')}`]) {
    expect(await setec.fails(['-s', server, 'get', 'shown/a'])).toContain(
      'request returned status 401: "unable to identify caller"',
    )
  }
  await daemon.kill('SIGTERM')
  expect(await setec.fails(['get', 'shown/a'])).toContain(
    'request returned status 503: "service unavailable"',
  )
})

test('what was put is there after daemon and gateway have ended and begun again', async (context) => {
  const program = setecOf(context)
  const port = await freePort()
  await using site = new GatewaySite({ http: `listen = "127.0.0.1:${port}"` })
  const first = await site.start()
  const admin = await site.initialize()
  const { secret } = await makeSetecCaller(admin, 'ann')
  admin.close()
  const gateway = await site.startGateway()
  const setec = new Setec(program, { SETEC_SERVER: site.at(secret) })
  await setec.ok(['put', 'prod/key'], 'one')
  await setec.ok(['put', 'prod/key'], 'two')
  await setec.ok(['put', 'prod/key'], 'three')
  await setec.ok(['activate', 'prod/key', '3'])
  await setec.confirmed(['delete-version', 'prod/key', '2'])
  await setec.ok(['put', 'gone'], 'x')
  await setec.confirmed(['delete', 'gone'])

  await first.kill('SIGTERM')
  const second = await site.start()
  expect(await setec.fails(['get', 'prod/key'])).toContain('status 503: "service unavailable"')
  ;(await site.unlock()).close()
  await site.ready()
  // The gateway has lost its sessions with the daemon, and makes them anew.
  expect(await setec.ok(['get', 'prod/key'])).toBe('three')
  await gateway.child.kill('SIGTERM')
  await second.kill('SIGKILL')
  await site.start()
  ;(await site.unlock()).close()
  await site.startGateway()
  expect(await setec.info('prod/key')).toBe('3 of 1, 3')
  expect(await setec.ok(['get', '--version', '1', 'prod/key'])).toBe('one')
  expect(await setec.ok(['put', 'prod/key'], 'four')).toContain('version 4\n')
  // Numbers go on where a secret was deleted, so that nobody takes a new value for the one that he has.
  expect(await setec.ok(['put', 'gone'], 'y')).toContain('version 2\n')
})
