/** No secret of an account where it does not belong: files, arguments, environment, log, answers. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createCanary, findCanary } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { Desk } from '../cli/desk.ts'
import { codeOf } from '../lib/authenticator.ts'
import { ADMIN, PASSPHRASE, PASSWORD } from '../lib/site.ts'
import { Wire } from '../lib/wire.ts'

/** A text that the password policy takes, and that is found again. */
const secret = (name: string): string => `${createCanary(name)}-X`

/** The same for accounts of zones, whose passwords have no dash. */
const zoneSecret = (): string => secret('zone').replaceAll('-', '')

/** Another one of the same form. */
const mistyped = (text: string): string =>
  `${text.slice(0, -4)}${text.endsWith('a') ? 'bbbb' : 'aaaa'}`

/** Files in which bytes occur as they are, in hexadecimal, or in base64 at any alignment. */
function findBytes(bytes: Uint8Array, ...directories: readonly string[]): string[] {
  const hex = Buffer.from(bytes).toString('hex')
  const base64 = (['base64', 'base64url'] as const).flatMap((form) =>
    [0, 1, 2].map((shift) => {
      // The digits that depend on neighbours are cut off at both ends.
      const digits = Buffer.concat([Buffer.alloc(shift), bytes])
        .toString(form)
        .replace(/=+$/, '')
      return digits.slice([0, 2, 3][shift], (shift + bytes.length) % 3 === 0 ? undefined : -1)
    }),
  )
  const needles = [bytes, hex, hex.toUpperCase(), ...base64].map((one) => Buffer.from(one))
  return directories.flatMap((directory) =>
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => needles.some((needle) => readFileSync(file).includes(needle))),
  )
}

function fromBase32(text: string): Uint8Array {
  const bits = [...text.toUpperCase()]
    .map((char) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(char).toString(2).padStart(5, '0'))
    .join('')
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2))
}

test('no token, second factor, recovery code or password in any file, argument, environment, log line or later answer', async () => {
  await using desk = new Desk({ config: '[log]\nlevel = "trace"' })
  const { site } = desk
  const tmp = desk.path('tmp')
  mkdirSync(tmp, { mode: 0o700 })
  mkdirSync(desk.path('run'), { mode: 0o700 })
  const places = [site.data, site.audit, desk.path('run'), tmp]
  const start = () => site.start({ env: { ...desk.env, TMPDIR: tmp } })
  const answers: string[] = []
  const given = {
    password: secret('sesame'),
    'wrong password': secret('wrong'),
    'next password': secret('sesame'),
    'password by an administrator': secret('sesame'),
    'zone password': zoneSecret(),
    'next zone password': zoneSecret(),
    'wrong zone password': zoneSecret(),
    'no token': secret('token'),
    'no recovery code': secret('code').slice(0, 30),
    'password of a wrong type': secret('sesame'),
  }

  let daemon = await start()
  using admin = await site.initialize()
  await admin.ok('user', { op: 'add', user: 'eve', password: given.password })
  using eve = await Wire.login(site.socket, 'eve', given.password)

  // Second factors: begun with a wrong password and the right one, confirmed, used, renewed, and shown wrong ones.
  await eve.refused('mfa', { op: 'begin', password: given['wrong password'] })
  await eve.refused('mfa', { op: 'begin', password: [given['password of a wrong type']] })
  const begun = await eve.ok('mfa', { op: 'begin', password: given.password })
  await eve.refused('mfa', { op: 'confirm', code: given['no recovery code'] })
  const confirmed = await eve.ok('mfa', { op: 'confirm', code: codeOf(begun.secret) })
  const [first = '', second = '', third = ''] = confirmed.recovery_codes as string[]
  const logIn = async (otp: string, password = given.password) => {
    using wire = await Wire.open(site.socket)
    const { body } = await wire.ask('auth', { username: 'eve', password, otp })
    answers.push(JSON.stringify(body))
    return body.success
  }
  expect(await logIn(first)).toBe(true)
  expect(await logIn(first)).toBe(false)
  expect(await logIn(given['no recovery code'])).toBe(false)
  expect(await logIn(second, given['wrong password'])).toBe(false)
  const renewed = await eve.ok('mfa', { op: 'recovery', code: third })

  // Tokens: made, used, mistyped, counted, revoked.
  const made = await eve.ok('token', { op: 'create', boundary: 'full', label: 'of eve' })
  const counted = await admin.ok('token', { op: 'create', boundary: 'full', uses: 2 })
  const revoked = await admin.ok('token', { op: 'create', user: 'eve', boundary: 'full' })
  for (const token of [made.secret, counted.secret, mistyped(made.secret), given['no token']]) {
    using wire = await Wire.open(site.socket)
    const { body } = await wire.ask('auth', { token })
    answers.push(JSON.stringify(body))
    if (body.success) {
      wire.session = body.session_id
      answers.push(JSON.stringify(await wire.ok('list', { prefix: '/' })))
      answers.push(JSON.stringify(await wire.ok('whoami', {})))
    }
  }
  await admin.ok('token', { op: 'revoke', token: revoked.tokens[0].token })

  // Zones: passwords and tokens of both kinds, tried with `check`.
  const zone = 'mail'
  const login = 'box'
  const switches = { allow_passwd: true, allow_tokens: true, allow_passwd_auth: true }
  await admin.ok('zone', { op: 'add', zone, ...switches, max_temp_validity_s: 3600 })
  await admin.ok('zone', { op: 'create-account', zone, login })
  await admin.ok('zone', { op: 'set-password', zone, login, password: given['zone password'] })
  await admin.ok('zone', { op: 'set-password', zone, login, password: given['next zone password'] })
  const regular = await admin.ok('zone', { op: 'create-token', zone, login, comment: 'desktop' })
  const { ident } = regular
  await admin.ok('zone', { op: 'change-token', zone, login, ident, comment: 'laptop' })
  const other = await admin.ok('zone', { op: 'create-token', zone, login })
  const temporary = await admin.ok('zone', { op: 'create-temp', zone, login, validity_s: 600 })
  const check = async (password: string): Promise<boolean> =>
    (await admin.ok('zone', { op: 'check', zone, login, password })).matches
  for (const good of [given['next zone password'], other.secret, temporary.secret]) {
    expect(await check(good)).toBe(true)
  }
  for (const bad of [
    given['wrong zone password'],
    given['zone password'],
    mistyped(other.secret),
  ]) {
    expect(await check(bad)).toBe(false)
  }

  // The same by commands, whose files and processes are looked at as well.
  desk.file('token', `${made.secret}\n`)
  const commands: readonly (readonly [line: string, input: string, code: number])[] = [
    ['login --token-stdin', `${made.secret}\n`, 0],
    ['login --token-stdin', `${mistyped(made.secret)}\n`, 4],
    ['login eve --password-stdin', `${given.password}\n${codeOf(begun.secret, 1)}\n`, 0],
    ['passwd --password-stdin', `${given.password}\n${given['next password']}\n`, 0],
    ['login eve --password-stdin', `${given['wrong password']}\n`, 4],
    [`login ${ADMIN} --password-stdin`, `${PASSWORD}\n`, 0],
    ['user password eve --password-stdin', `${given['password by an administrator']}\n`, 0],
    ['token list --all', '', 0],
    ['mfa status --user eve', '', 0],
    ['zone accounts mail', '', 0],
    ['zone check mail box --password-stdin', `${given['wrong zone password']}\n`, 4],
  ]
  for (const [line, input, code] of commands) {
    const { stdout, stderr, ...end } = await desk.sh(`sreg ${line}`, input)
    answers.push(stdout, stderr)
    expect(end.code, `${line}\n${stderr}`).toBe(code)
  }
  const own = await desk.sh('SECREG_TOKEN="$(cat token)" sreg whoami')
  answers.push(own.stdout, own.stderr)

  const all: Readonly<Record<string, string>> = {
    ...given,
    token: made.secret,
    "a token's secret": made.secret.slice(-43),
    'counted token': counted.secret.slice(-43),
    'revoked token': revoked.secret.slice(-43),
    'mistyped token': mistyped(made.secret),
    'secret of the second factor': begun.secret,
    'address of the second factor': begun.uri,
    'zone token': regular.secret.split('-').at(-1),
    'other zone token': other.secret.split('-').at(-1),
    'temporary token': temporary.secret,
    'seal of the temporary token': temporary.secret.split('-').at(-1),
    ...numbered('recovery code', confirmed.recovery_codes),
    ...numbered('new recovery code', renewed.recovery_codes),
    ...numbered(
      'recovery code without dashes',
      confirmed.recovery_codes.map((code: string) => code.replaceAll('-', '')),
    ),
  }
  const bytes: Readonly<Record<string, Uint8Array>> = {
    'secret of the second factor': fromBase32(begun.secret),
    'recovery code': fromBase32(third.replaceAll('-', '')),
    'new recovery code': fromBase32(renewed.recovery_codes[0].replaceAll('-', '')),
    token: Buffer.from(made.secret.slice(-43), 'base64url'),
    'zone token': fromBase32(other.secret.split('-').at(-1)),
    'seal of the temporary token': fromBase32(temporary.secret.split('-').at(-1)),
  }
  const look = (when: string): void => {
    for (const [what, text] of Object.entries(all)) {
      expect(findCanary(text, ...places), `${what}, ${when}`).toEqual([])
    }
    for (const [what, one] of Object.entries(bytes)) {
      expect(one.length, what).toBeGreaterThan(8)
      expect(findBytes(one, ...places), `bytes of ${what}, ${when}`).toEqual([])
    }
    // The search itself works: what is no secret is found.
    expect(findCanary(made.tokens[0].token, site.data).length).toBeGreaterThan(0)
    for (const name of ['cmdline', 'environ']) {
      const text = readFileSync(`/proc/${daemon.pid}/${name}`, 'latin1')
      for (const [what, one] of Object.entries(all)) {
        expect(text.includes(one), `${what} in ${name}, ${when}`).toBe(false)
      }
    }
  }
  look('while it runs')
  await daemon.kill('SIGTERM')
  const logs = [daemon.stderr(), daemon.stdout()]
  daemon = await start()
  using again = await Wire.open(site.socket)
  await again.ok('seal', { op: 'unlock', passphrase: PASSPHRASE })
  await again.login(ADMIN, PASSWORD)
  answers.push(JSON.stringify(await again.ok('token', { op: 'list', user: 'eve' })))
  answers.push(JSON.stringify(await again.ok('user', { op: 'list' })))
  answers.push(JSON.stringify(await again.ok('zone', { op: 'accounts', zone })))
  answers.push(JSON.stringify(await again.ok('mfa', { op: 'status', user: 'eve' })))
  answers.push(JSON.stringify(await again.ok('audit', { limit: 1000 })))
  look('after a restart')
  await daemon.kill('SIGKILL')
  logs.push(daemon.stderr(), daemon.stdout())
  expect(logs.join('').match(/"event":"ready"/g)).toHaveLength(2)
  for (const [what, text] of Object.entries(all)) {
    expect(logs.join('').includes(text), `${what} in the log`).toBe(false)
    expect(answers.join('').includes(text), `${what} in an answer`).toBe(false)
  }
})

function numbered(name: string, texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(texts.map((text, index) => [`${name} ${index}`, text]))
}
