import { chmodSync } from 'node:fs'
import { REASONS } from '@secreg/protocol'
import { describe, expect, test } from 'vitest'
import { CliError } from '../src/errors.ts'
import { hintOf } from '../src/hints.ts'
import { PASSPHRASE, PASSWORD } from './fake-registry.ts'
import { makeWorld, type World } from './harness.ts'

const SHARES = ['SRS1-FAKE-1', 'SRS1-FAKE-2', 'SRS1-FAKE-3', 'SRS1-FAKE-4', 'SRS1-FAKE-5']
const lines = (...texts: string[]): string => texts.map((text) => `${text}\n`).join('')
const last = ({ registry }: World) => registry.asked.at(-1)?.payload

/** A key file that only its owner can read, and what the daemon is told of it. */
function keyFile({ home }: World, name = 'key'): { path: string; text: string } {
  const bytes = Buffer.alloc(32, name)
  const path = home.write(name, bytes)
  chmodSync(path, 0o600)
  return { path, text: bytes.toString('base64') }
}

describe('init', () => {
  test('with shares asks for no passphrase, and prints the shares once', async () => {
    const world = await makeWorld({ login: false })
    world.registry.state = 'uninitialized'
    const args = ['init', '--admin', 'root', '--shares', '5', '--threshold', '3']
    const { code, stdout, stderr } = await world.sreg([...args, '--password-stdin'], {
      input: lines(PASSWORD),
    })
    expect({ code, stdout }).toEqual({ code: 0, stdout: lines(...SHARES) })
    expect(stderr).toContain('shown once')
    expect(last(world)).toEqual({
      op: 'init',
      shares: { count: 5, threshold: 3 },
      admin: 'root',
      admin_password: PASSWORD,
    })
    world.registry.state = 'uninitialized'
    const json = await world.sreg([...args, '--password-stdin', '--json'], { input: PASSWORD })
    expect(JSON.parse(json.stdout)).toEqual({ state: 'unsealed', shares: SHARES })
    expect(json.stderr).toBe('')
  })

  test('a passphrase beside them, or only what the configuration names', async () => {
    const world = await makeWorld({ login: false })
    world.registry.state = 'uninitialized'
    const init = ['init', '--admin', 'root', '--password-stdin']
    const both = ['--shares', '3', '--threshold', '2', '--with-passphrase']
    await world.sreg([...init, ...both], { input: lines(PASSPHRASE, PASSWORD) })
    expect(last(world)).toMatchObject({ passphrase: PASSPHRASE, admin_password: PASSWORD })
    world.registry.state = 'uninitialized'
    const none = await world.sreg([...init, '--no-passphrase'], { input: lines(PASSWORD) })
    expect(none).toMatchObject({ code: 0, stdout: '' })
    expect(last(world)).toEqual({ op: 'init', admin: 'root', admin_password: PASSWORD })
  })

  test.each([
    [['--shares', '5'], '--threshold'],
    [['--threshold', '3'], '--shares'],
    [['--shares', '2', '--threshold', '3'], 'cannot be needed'],
    [['--shares', '256', '--threshold', '3'], '--shares'],
    [['--shares', '5', '--threshold', '1'], '--threshold'],
    [['--with-passphrase', '--no-passphrase'], 'give one of'],
  ])('%j is refused before anything is read or asked', async (more, message) => {
    const world = await makeWorld({ login: false })
    const { code, stdout, stderr } = await world.sreg(
      ['init', '--admin', 'root', '--password-stdin', ...more],
      { input: lines(PASSPHRASE, PASSWORD) },
    )
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(message)
    expect(world.registry.asked).toEqual([])
  })
})

describe('unlock', () => {
  const sealedWorld = async (): Promise<World> => {
    const world = await makeWorld({ login: false })
    world.registry.state = 'sealed'
    world.registry.shares = SHARES
    return world
  }

  test('share by share, each with a command of its own, tells how many are there', async () => {
    const world = await sealedWorld()
    for (const [at, share] of SHARES.slice(0, 3).entries()) {
      const args = ['unlock', '--share', '--password-stdin']
      const { code, stdout, stderr } = await world.sreg(args, { input: lines(share) })
      expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
      if (at < 2) expect(stderr).toContain(`${at + 1} of 3 shares are there`)
      else expect(stderr).toBe('')
      expect(stderr).not.toContain(share)
    }
    expect(world.registry.state).toBe('unsealed')
    expect(world.registry.asked.every(({ sessionId }) => sessionId === '')).toBe(true)
  })

  test('several lines at once, and no more than are needed', async () => {
    const world = await sealedWorld()
    const args = ['unlock', '--share', '--password-stdin', '--json', '--finish']
    const { code, stdout } = await world.sreg(args, { input: lines('', ...SHARES) })
    expect({ code, answer: JSON.parse(stdout) }).toEqual({ code: 0, answer: { state: 'unsealed' } })
    expect(world.registry.asked).toHaveLength(3)
  })

  test('a wrong line is named by its number, never by what it is; too few can be made a failure', async () => {
    const world = await sealedWorld()
    const share = ['unlock', '--share', '--password-stdin']
    const wrong = await world.sreg(share, { input: lines(SHARES[0] ?? '', 'mistyped-secret') })
    expect(wrong).toMatchObject({ code: 1, stdout: '' })
    expect(wrong.stderr).toContain('line 2:')
    expect(wrong.stderr).toContain('type it again')
    expect(wrong.stderr).not.toContain('mistyped-secret')
    const few = await world.sreg([...share, '--finish'], { input: lines(SHARES[1] ?? '') })
    expect(few).toMatchObject({ code: 6, stdout: '' })
    expect(last(world)).toEqual({ op: 'unlock', share: SHARES[1], finish: true })
    const none = await world.sreg(share, { input: '\n\n' })
    expect(none).toMatchObject({ code: 1, stdout: '' })
  })

  test('by key file, for recovery, and a reset', async () => {
    const world = await sealedWorld()
    const { path, text } = keyFile(world)
    const wrong = await world.sreg(['unlock', '--key-file', path])
    expect(wrong).toMatchObject({ code: 4, stdout: '' })
    expect(wrong.stderr).toContain('check the key file')
    world.registry.keyFile = text
    expect((await world.sreg(['unlock', '--key-file', path, '--recovery'])).code).toBe(0)
    expect(last(world)).toEqual({ op: 'unlock', key_file: text, recovery: true })
    await world.sreg(['unlock', '--recovery', '--password-stdin'], { input: PASSPHRASE })
    expect(last(world)).toEqual({ op: 'unlock', passphrase: PASSPHRASE, recovery: true })
    await world.sreg(['unlock', '--reset'])
    expect(last(world)).toEqual({ op: 'unlock', reset: true })
  })

  test('a key file that others could have read, that is none, or too short is not used', async () => {
    const world = await sealedWorld()
    const { path } = keyFile(world)
    const unlock = (file: string) => world.sreg(['unlock', '--key-file', file])
    chmodSync(path, 0o640)
    const open = await unlock(path)
    expect(open).toMatchObject({ code: 3, stdout: '' })
    expect(open.stderr).toContain('0600')
    expect(await unlock(world.home.file('none'))).toMatchObject({ code: 2, stdout: '' })
    expect(await unlock(world.home.write('short', 'short'))).toMatchObject({ code: 1 })
    expect(world.registry.asked).toEqual([])
  })

  test.each([[['--share', '--key-file', '/k']], [['--share', '--reset']], [['--finish']]])(
    '%j do not go together',
    async (more) => {
      const world = await sealedWorld()
      const result = await world.sreg(['unlock', ...more, '--password-stdin'], { input: 'x\n' })
      expect(result).toMatchObject({ code: 1, stdout: '' })
      expect(world.registry.asked).toEqual([])
    },
  )

  test('status tells how many shares are there', async () => {
    const { registry, sreg } = await sealedWorld()
    registry.answers.set('status', {
      status: 'running',
      state: 'sealed',
      initialized: true,
      version: '0.1.0',
      share_progress: [
        { have: 1, need: 3 },
        { have: 2, need: 4, recovery: true },
      ],
    })
    const { stdout } = await sreg(['status'])
    expect(stdout).toMatch(/^Shares: +1 of 3$/m)
    expect(stdout).toMatch(/^Shares: +2 of 4 for recovery$/m)
  })
})

describe('protector', () => {
  test('list shows what there is', async () => {
    const world = await makeWorld()
    await world.sreg(['protector', 'add', 'passphrase', '--label', 'office', '--password-stdin'], {
      input: lines(PASSPHRASE, 'a new passphrase'),
    })
    const { stdout } = await world.sreg(['protector', 'list'])
    expect(stdout).toMatch(/^Id +Kind +Label +Use +Details\n/)
    expect(stdout).toMatch(/^a1b2c30+ +passphrase +daily +scrypt N=2\^15 r=8 p=1$/m)
    expect(stdout).toContain('office')
    const json = JSON.parse((await world.sreg(['protector', 'list', '-j'])).stdout)
    expect(json.protectors).toHaveLength(2)
  })

  test('the proof comes first, then the new secret', async () => {
    const world = await makeWorld()
    const add = (args: string[], input: string) =>
      world.sreg(['protector', 'add', ...args, '--password-stdin'], { input })
    expect(await add(['passphrase'], lines(PASSPHRASE, 'a new passphrase'))).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
    expect(last(world)).toEqual({
      op: 'add',
      kind: 'passphrase',
      passphrase: 'a new passphrase',
      proof: { passphrase: PASSPHRASE },
    })
    await add(
      ['passphrase', '--proof-shares', '--recovery'],
      lines(...SHARES.slice(0, 3), 'a new one'),
    )
    expect(last(world)).toEqual({
      op: 'add',
      kind: 'passphrase',
      passphrase: 'a new one',
      recovery: true,
      proof: { shares: SHARES.slice(0, 3) },
    })
    const { path, text } = keyFile(world)
    await add(['passphrase', '--proof-key-file', path], lines('a new one'))
    expect(last(world)).toMatchObject({ passphrase: 'a new one', proof: { key_file: text } })
    // Nothing is read where nothing is secret.
    const file = ['key-file', '--file', path, '--label', 'host', '--proof-key-file', path]
    await world.sreg(['protector', 'add', ...file])
    expect(last(world)).toEqual({
      op: 'add',
      kind: 'key-file',
      key_file: text,
      label: 'host',
      proof: { key_file: text },
    })
    await add(['systemd-credential'], lines(PASSPHRASE))
    expect(last(world)).toEqual({
      op: 'add',
      kind: 'systemd-credential',
      proof: { passphrase: PASSPHRASE },
    })
  })

  test('shares are printed once, one a line', async () => {
    const world = await makeWorld()
    const args = ['protector', 'add', 'shares', '--shares', '5', '--threshold', '3', '--recovery']
    const input = lines(PASSPHRASE)
    const { stdout, stderr } = await world.sreg([...args, '--password-stdin'], { input })
    expect(stdout).toBe(lines(...SHARES))
    expect(stderr).toContain('shown once')
    const json = await world.sreg([...args, '--password-stdin', '-j'], { input })
    expect(JSON.parse(json.stdout).shares).toEqual(SHARES)
  })

  test('change asks for what the kind needs', async () => {
    const world = await makeWorld()
    const { path, text } = keyFile(world)
    await world.sreg([
      'protector',
      'add',
      'key-file',
      '--file',
      path,
      '--label',
      'host',
      '--proof-key-file',
      path,
    ])
    const next = keyFile(world, 'next')
    await world.sreg(['protector', 'change', 'host', '--file', next.path, '--proof-key-file', path])
    expect(last(world)).toEqual({
      op: 'change',
      protector: 'host',
      key_file: next.text,
      proof: { key_file: text },
    })
    const first = 'a1b2c3'.padEnd(32, '0')
    await world.sreg(['protector', 'change', first, '--password-stdin'], {
      input: lines(PASSPHRASE, 'a new passphrase'),
    })
    expect(world.registry.asked.at(-1)?.payload).toMatchObject({
      protector: first,
      passphrase: 'a new passphrase',
    })
    const unknown = await world.sreg(['protector', 'change', 'nobody', '--password-stdin'], {
      input: lines(PASSPHRASE),
    })
    expect(unknown).toMatchObject({ code: 2, stdout: '' })
    expect(unknown.stderr).toContain('sreg protector list')
  })

  test('remove, and what is told of the old bytes', async () => {
    const world = await makeWorld()
    await world.sreg(['protector', 'add', 'passphrase', '--label', 'office', '--password-stdin'], {
      input: lines(PASSPHRASE, 'a new passphrase'),
    })
    const { code, stderr } = await world.sreg(['protector', 'remove', 'office', '--force'])
    expect({ code, stderr }).toMatchObject({ code: 0 })
    expect(stderr).toContain('in the background')
    const refused = await world.sreg(['protector', 'remove', 'a1b2c3'.padEnd(32, '0')])
    expect(refused).toMatchObject({ code: 6, stdout: '' })
    expect(refused.stderr).toContain('sreg help protector add')
  })

  test('a wrong proof: nothing was changed, and what to do', async () => {
    const { sreg } = await makeWorld()
    const { code, stderr } = await sreg(['protector', 'add', 'passphrase', '--password-stdin'], {
      input: lines('wrong', 'a new passphrase'),
    })
    expect(code).toBe(4)
    expect(stderr).toContain('nothing was changed; check the proof')
  })

  test.each([
    [['add', 'shares'], 'how many shares'],
    [['add', 'key-file'], '--file'],
    [['add', 'passphrase', '--file', '/k'], '--file is not for'],
    [['add', 'passphrase', '--shares', '3', '--threshold', '2'], '--shares is not for'],
    [['add', 'password'], 'must be one of passphrase, shares'],
    [['add', 'passphrase', '--proof-shares', '--proof-key-file', '/k'], 'give one of'],
    [['add', 'passphrase', '--proof-shares'], 'too few lines'],
  ])('%j is refused before anything is asked of the daemon', async (args, message) => {
    const { registry, sreg } = await makeWorld()
    const result = await sreg(['protector', ...args, '--password-stdin'], { input: 'one line\n' })
    expect(result).toMatchObject({ code: 1, stdout: '' })
    expect(result.stderr).toContain(message)
    expect(registry.asked).toEqual([])
  })

  test.each([
    [['unlock', '--share']],
    [['protector', 'add', 'passphrase']],
    [['protector', 'add', 'shares', '--shares', '3', '--threshold', '2']],
    [['protector', 'add', 'passphrase', '--proof-shares']],
    [['init', '--admin', 'root', '--shares', '3', '--threshold', '2']],
  ])('weakness 61: %j in a pipe: exit 1, a hint, and nothing is asked', async (args) => {
    const { registry, sreg } = await makeWorld()
    const result = await sreg(args, { input: 'some secret\nother secret\n' })
    expect(result).toMatchObject({ code: 1, stdout: '' })
    expect(result.stderr).toContain('--password-stdin')
    expect(registry.asked).toEqual([])
  })

  test('every reason for which the seal does not open or change tells what to do next', () => {
    const reasons = [
      ...(['UNLOCK_FAILED', 'SHARE_INVALID', 'SHARE_FOREIGN', 'SHARES_MISSING'] as const),
      ...(['NO_PROTECTOR', 'LAST_PROTECTOR', 'SEAL_DAMAGED', 'KDF_BELOW_FLOOR'] as const),
    ]
    const hints = reasons.map((word) => {
      expect(REASONS).toHaveProperty(word)
      return hintOf(new CliError(word, 'message'))
    })
    expect(hints).not.toContain(undefined)
    expect(new Set(hints).size).toBe(reasons.length)
  })
})
