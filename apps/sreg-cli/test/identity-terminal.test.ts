import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { qrCode } from '../src/qr-code.ts'
import { type Built, build, onTerminal } from './built.ts'
import { type FakeRegistry, PASSWORD } from './fake-registry.ts'
import { makeWorld } from './harness.ts'

let built: Built
beforeAll(() => {
  built = build()
})
afterAll(() => built.remove())

const CODE = '492039'
const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
const URI = `otpauth://totp/secreg:alice?secret=${SECRET}&issuer=secreg`

describe('what is loaded', () => {
  const LIBRARIES = [
    'packages/policy-engine/',
    'packages/policy-text/',
    'node_modules/qr/',
    '@lezer/',
  ]

  test('before a command is chosen, and by other commands: no policy engine, no text forms, no QR codes', () => {
    expect(built.startFiles()).toContain('FrameReader')
    expect(built.commandFiles()).toContain('src/commands/policy.ts')
    for (const name of LIBRARIES) {
      expect(built.startFiles(), name).not.toContain(name)
      expect(built.commandFiles(), name).not.toContain(name)
    }
  })

  test('by the short way: none of their words', () => {
    const text = readFileSync(built.hot, 'utf8')
    expect(text).toContain('SECREG_TOKEN')
    for (const word of ['ERR_POLICY_', 'otpauth', 'who-can', 'create-temp', 'recovery codes']) {
      expect(text, word).not.toContain(word)
    }
  })
})

describe('login on a terminal', () => {
  test('asks for the name, the password and the code, and echoes the name alone', async (context) => {
    const { registry, env } = await makeWorld({ login: false })
    registry.codes.set('alice', CODE)
    const seen = await onTerminal(context, [built.main, 'login'], env, [
      { expect: 'Name: ', send: 'alice\r' },
      { expect: 'Password: ', send: `${PASSWORD}\r` },
      { expect: 'or a recovery code: ', send: `${CODE}\r` },
    ])
    expect(seen).toMatchObject({ code: 0, echoAfter: true, echoes: [false, false, false] })
    expect(seen.screen).toContain('logged in as alice')
    for (const secret of [PASSWORD, CODE]) expect(seen.screen).not.toContain(secret)
    expect(registry.asked.at(-1)?.payload).toEqual({
      username: 'alice',
      password: PASSWORD,
      otp: CODE,
    })
  })

  test('asks for a token without echo', async (context) => {
    const { registry, env } = await makeWorld({ login: false })
    registry.tokens.set('canary-token', 'alice')
    const seen = await onTerminal(context, [built.main, 'login', '--token-stdin'], env, [
      { expect: 'Token: ', send: 'canary-token\r' },
    ])
    expect(seen).toMatchObject({ code: 0, echoes: [false] })
    expect(seen.screen).not.toContain('canary')
    expect(registry.sessions.size).toBe(1)
  })
})

describe('mfa enroll on a terminal', () => {
  const answers = (registry: FakeRegistry): void => {
    registry.answering.set('mfa', () => {
      const { op } = registry.asked.at(-1)?.payload ?? {}
      if (op === 'begin') return { state: 'pending', secret: SECRET, uri: URI }
      return { state: 'on', recovery_codes: ['aaaa-bbbb', 'cccc-dddd'] }
    })
  }
  const steps = [
    { expect: 'Password: ', send: `${PASSWORD}\r` },
    { expect: 'Code of the authenticator: ', send: '492 039\r' },
  ]

  test('shows secret and address, asks for a code, then shows the recovery codes', async (context) => {
    const { registry, env } = await makeWorld()
    answers(registry)
    const seen = await onTerminal(context, [built.main, 'mfa', 'enroll'], env, steps, true)
    expect(seen).toMatchObject({ code: 0, echoes: [false, false], echoAfter: true })
    expect(seen.stdout).toBe(`Secret:   ${SECRET}\nAddress:  ${URI}\naaaa-bbbb\ncccc-dddd\n`)
    expect(seen.screen).not.toContain(PASSWORD)
    expect(seen.screen).not.toContain('492')
    expect(seen.screen).toContain('shown this once')
    expect(registry.asked.map(({ payload }) => payload)).toEqual([
      { op: 'begin', password: PASSWORD },
      { op: 'confirm', code: CODE },
    ])
  })

  test('draws a QR code; a wrong code tells how to go on', async (context) => {
    const { registry, env } = await makeWorld()
    registry.answering.set('mfa', () => {
      const { op } = registry.asked.at(-1)?.payload ?? {}
      if (op === 'begin') return { state: 'pending', secret: SECRET, uri: URI }
      throw Object.assign(new Error('wrong code'), { reason: 'AUTH_FAILED' })
    })
    const seen = await onTerminal(context, [built.main, 'mfa', 'enroll'], env, steps)
    expect(seen.code).toBe(4)
    expect(seen.screen).toContain('go on with: sreg mfa confirm')
    expect(seen.screen.replaceAll('\r', '')).toContain(await qrCode(URI, 100))
  })
})

describe('policy set on a terminal', () => {
  const document = {
    id: 'web',
    rules: [{ id: 'r', effect: 'allow', principals: ['*'], actions: ['read'], resources: ['/a'] }],
  }
  const change = {
    principals: ['*'],
    actions: ['read'],
    resource: '/a',
    patterns: ['/a'],
    before: { decision: 'deny', rules: [] },
    after: { decision: 'allow', rules: ['web/r'] },
  }
  const answers = (registry: FakeRegistry, refused?: string): void => {
    registry.answering.set('policy', () => {
      const { op } = registry.asked.at(-1)?.payload ?? {}
      if (op === 'set' || op === 'delete') return { revision: 8 }
      if (refused !== undefined) throw Object.assign(new Error('no'), { reason: refused })
      if (op === 'get') return { document, revision: 7 }
      return { changes: [change], complete: false }
    })
  }
  const ops = (registry: FakeRegistry): unknown[] =>
    registry.asked.map(({ payload }) => payload['op'])

  test('shows what changes, and changes that and nothing else once it is meant', async (context) => {
    const { home, registry, env } = await makeWorld()
    answers(registry)
    const set = [built.main, 'policy', 'set', home.write('web.json', JSON.stringify(document))]
    const refused = await onTerminal(context, set, env, [{ expect: 'to go on: ', send: 'y\r' }])
    expect(refused.code).toBe(1)
    expect(refused.screen).toMatch(/\* +read +\/a +\/a +deny +allow \(web\/r\)/)
    expect(refused.screen).toContain('there may be more')
    expect(refused.screen).toContain('nothing was changed')
    expect(ops(registry)).toEqual(['get', 'diff'])
    const meant = await onTerminal(
      context,
      set,
      env,
      [{ expect: 'to go on: ', send: 'yes\r' }],
      true,
    )
    expect({ code: meant.code, stdout: meant.stdout }).toEqual({ code: 0, stdout: '' })
    expect(registry.asked.at(-1)?.payload).toEqual({ op: 'set', document, if_revision: 7 })
  })

  test('who may not read policies is asked without seeing it', async (context) => {
    const { registry, env } = await makeWorld()
    answers(registry, 'ACCESS_DENIED')
    const remove = [built.main, 'policy', 'delete', 'web']
    const seen = await onTerminal(context, remove, env, [{ expect: 'to go on: ', send: 'yes\r' }])
    expect(seen.code).toBe(0)
    expect(seen.screen).toContain('you may not read policies')
    expect(registry.asked.at(-1)?.payload).toEqual({ op: 'delete', policy: 'web' })
  })

  test('one that is new must still be new when it is set', async (context) => {
    const { home, registry, env } = await makeWorld()
    registry.answering.set('policy', () => {
      const { op } = registry.asked.at(-1)?.payload ?? {}
      if (op === 'get') throw Object.assign(new Error('no such policy'), { reason: 'NOT_FOUND' })
      return op === 'set' ? { revision: 8 } : { changes: [], complete: true }
    })
    const set = [built.main, 'policy', 'set', home.write('web.json', JSON.stringify(document))]
    const seen = await onTerminal(context, set, env, [{ expect: 'to go on: ', send: 'yes\r' }])
    expect(seen.code).toBe(0)
    expect(seen.screen).toContain('nothing would be decided otherwise')
    expect(registry.asked.at(-1)?.payload).toEqual({ op: 'set', document, if_revision: 0 })
  })

  test('--yes asks nothing', async (context) => {
    const { home, registry, env } = await makeWorld()
    answers(registry)
    const file = home.write('web.json', JSON.stringify(document))
    const set = [built.main, 'policy', 'set', file, '--yes']
    expect((await onTerminal(context, set, env, [])).code).toBe(0)
    expect(ops(registry)).toEqual(['set'])
  })
})
