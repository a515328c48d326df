import { describe, expect, test } from 'vitest'
import { qrCode } from '../src/qr-code.ts'
import { PASSWORD } from './fake-registry.ts'
import { makeWorld, type World } from './harness.ts'

const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
const URI = `otpauth://totp/secreg:alice?secret=${SECRET}&issuer=secreg`
const CODES = ['aaaa-bbbb-cccc', 'dddd-eeee-ffff']
const last = ({ registry }: World): unknown => registry.asked.at(-1)?.payload

describe('mfa enroll', () => {
  test('in a pipe: prints the secret and stops; confirm goes on', async () => {
    const world = await makeWorld()
    world.registry.answers.set('mfa', { state: 'pending', secret: SECRET, uri: URI })
    const args = ['mfa', 'enroll', '--password-stdin']
    const { code, stdout, stderr } = await world.sreg(args, { input: `${PASSWORD}\n` })
    expect({ code, stdout }).toEqual({ code: 0, stdout: `Secret:   ${SECRET}\nAddress:  ${URI}\n` })
    expect(stderr).toContain('run: sreg mfa confirm')
    expect(last(world)).toEqual({ op: 'begin', password: PASSWORD })
    const json = await world.sreg([...args, '--json'], { input: PASSWORD })
    expect(JSON.parse(json.stdout)).toEqual({ state: 'pending', secret: SECRET, uri: URI })
    expect(json.stderr).toBe('')

    world.registry.answers.set('mfa', { state: 'on', recovery_codes: CODES })
    const confirm = await world.sreg(['mfa', 'confirm', '--password-stdin'], { input: '492 039\n' })
    expect(confirm).toMatchObject({ code: 0, stdout: `${CODES.join('\n')}\n` })
    expect(confirm.stderr).toContain('shown this once')
    expect(last(world)).toEqual({ op: 'confirm', code: '492039' })
  })

  test('a wrong password, and an answer without a secret, set nothing up', async () => {
    const { registry, sreg } = await makeWorld()
    const args = ['mfa', 'enroll', '--password-stdin']
    registry.failures.set('mfa', 'AUTH_FAILED')
    const wrong = await sreg(args, { input: 'a wrong password\n' })
    expect(wrong).toMatchObject({ code: 4, stdout: '' })
    expect(wrong.stderr).toContain('check the password')
    expect(wrong.stderr).not.toContain('a wrong password')
    registry.failures.clear()
    registry.answers.set('mfa', { state: 'pending' })
    expect(await sreg(args, { input: PASSWORD })).toMatchObject({ code: 7, stdout: '' })
  })

  test('what the daemon gives cannot drive the terminal', async () => {
    const { registry, sreg } = await makeWorld()
    const evil = 'x\u001b[2J\nSecret:  y'
    registry.answers.set('mfa', { state: 'pending', secret: evil, uri: evil })
    const { stdout } = await sreg(['mfa', 'enroll', '--password-stdin'], { input: PASSWORD })
    expect(stdout).not.toContain('\u001b')
    expect(stdout.trimEnd().split('\n')).toHaveLength(2)
    registry.answers.set('mfa', { state: 'on', recovery_codes: [evil] })
    const codes = await sreg(['mfa', 'confirm', '--password-stdin'], { input: '1' })
    expect(codes).toMatchObject({ code: 7, stdout: '' })
  })
})

describe('the other commands', () => {
  test.each([
    [['status'], { op: 'status' }],
    [['status', '--user', 'bob'], { op: 'status', user: 'bob' }],
    [['recovery', '--password-stdin'], { op: 'recovery', code: 'aaaa-bbbb-cccc' }],
    [['remove', '--password-stdin'], { op: 'remove', code: 'aaaa-bbbb-cccc' }],
    [['reset', 'bob'], { op: 'reset', user: 'bob' }],
  ])('%j', async (args, payload) => {
    const world = await makeWorld()
    world.registry.answers.set('mfa', { state: 'off' })
    const { code } = await world.sreg(['mfa', ...args], { input: 'aaaa-bbbb-cccc\n' })
    expect(code).toBe(0)
    expect(last(world)).toEqual(payload)
  })

  test('status tells the state and how many recovery codes are left', async () => {
    const { registry, sreg } = await makeWorld()
    registry.answers.set('mfa', { state: 'on', recovery_codes_left: 7 })
    expect((await sreg(['mfa', 'status'])).stdout).toBe(
      'Second factor:        on\nRecovery codes left:  7\n',
    )
    registry.answers.set('mfa', { state: 'pending' })
    expect((await sreg(['mfa', 'status'])).stdout).toContain('sreg mfa confirm')
    expect(JSON.parse((await sreg(['mfa', 'status', '-j'])).stdout)).toEqual({ state: 'pending' })
  })

  test.each([
    [['enroll'], '--password-stdin'],
    [['confirm'], '--password-stdin'],
    [['recovery'], '--password-stdin'],
    [['remove'], '--password-stdin'],
    [['confirm', '492039', '--password-stdin'], 'too many arguments'],
    [['remove', 'alice', '--password-stdin'], 'too many arguments'],
    [['reset'], '<username> is missing'],
    [['confirm', '--password-stdin'], 'line 1 of standard input is missing'],
  ])('%j is refused, and nothing is asked', async (args, message) => {
    const { registry, sreg } = await makeWorld()
    const { code, stdout, stderr } = await sreg(['mfa', ...args], { input: '\n' })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(message)
    expect(registry.asked).toEqual([])
  })

  test.each([
    ['AUTH_FAILED', 4, 'check the clock of the authenticator'],
    ['MFA_STATE', 6, 'run: sreg mfa status'],
    ['PASSWORD_SESSION_REQUIRED', 3, 'log in with your password'],
  ] as const)('%s tells what to do', async (reason, exit, hint) => {
    const { registry, sreg } = await makeWorld()
    registry.failures.set('mfa', reason)
    const { code, stderr } = await sreg(['mfa', 'remove', '--password-stdin'], { input: '1\n' })
    expect(code).toBe(exit)
    expect(stderr).toContain(hint)
  })
})

describe('the QR code', () => {
  test('holds the address, whatever the colours of the terminal', async () => {
    const code = (await qrCode(URI, 80)) ?? ''
    const lines = code.split('\n')
    const [begin, end] = ['\u001b[40;97m', '\u001b[0m']
    expect(lines.every((line) => line.startsWith(begin) && line.endsWith(end))).toBe(true)
    const drawn = lines.map((line) => line.slice(begin.length, -end.length))
    expect(drawn.every((line) => /^[ █▀▄]+$/.test(line))).toBe(true)
    expect(decode(drawn)).toBe(await modulesOf(URI))
  })

  test.each([
    ['too narrow a terminal', URI, 20],
    ['a terminal that tells no width', URI, 0],
    ['another address', 'https://example.org/', 80],
    ['control characters', `${URI}\u001b[2J`, 80],
    ['a long text', `otpauth://${'x'.repeat(600)}`, 200],
  ])('there is none for %s', async (_, uri, columns) => {
    expect(await qrCode(uri, columns)).toBeUndefined()
  })
})

/** Half blocks as rows of modules: light is 1. */
function decode(lines: readonly string[]): string {
  return lines
    .flatMap((line) => [
      [...line].map((half) => (half === '█' || half === '▀' ? 1 : 0)).join(''),
      [...line].map((half) => (half === '█' || half === '▄' ? 1 : 0)).join(''),
    ])
    .slice(0, lines[0]?.length)
    .join('\n')
}

async function modulesOf(text: string): Promise<string> {
  const { encodeQR } = await import('qr')
  const rows = encodeQR(text, 'raw', { ecc: 'low' })
  return rows.map((row) => row.map((dark) => (dark ? 0 : 1)).join('')).join('\n')
}
