import { formatRequest, REFUSALS, SUBAUTH_LIMITS, SubauthError } from '@secreg/subauth'
import { answerPacket, REFUSING_PORT, type SubauthPort } from '@secreg/subauth/server'
import { createCanary } from '@secreg/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { modelSite } from '../model-port.ts'
import { anyRequest, FULL } from '../wire/requests.ts'
import { GENEROUS, portOf } from './ports.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)
const objectIn = (reply: Uint8Array) =>
  JSON.parse(new TextDecoder().decode(reply)) as Record<string, unknown>
const ask = async (text: string, port: SubauthPort = GENEROUS) => {
  const answer = await answerPacket({ data: bytesOf(text) }, port)
  return { ...answer, told: objectIn(answer.reply) }
}
const error = (reason: keyof typeof REFUSALS) => ({ error: REFUSALS[reason].text })

describe('replies', () => {
  const entries = [
    { type: 'passwd', lastmod: 1 },
    { type: 'token', ident: 'abcd', comment: '', lastmod: 2 },
  ]
  const zone = {
    name: 'z',
    zone: 'z',
    desc: 'Z',
    'allow-passwd': 1,
    'allow-tokens': 0,
    'allow-passwd-auth': 0,
    'max-temp-validity': 60,
  }
  const fields: Readonly<Record<string, object>> = {
    'create-token': { token: 'abcd-1', ident: 'abcd' },
    'create-temp': { token: 'abcd-1' },
    'list-accts': {
      login: 'alice',
      accounts: [{ zone: 'z', 'allow-passwd-auth': 1, tokens: entries }],
    },
    'list-zones': { zones: [zone] },
  }

  for (const request of FULL) {
    test(`of ${request.cmd} have the keys of the table and no other`, async () => {
      const answer = await answerPacket({ data: formatRequest(request) }, GENEROUS)
      expect(objectIn(answer.reply)).toStrictEqual({ error: '', ...fields[request.cmd] })
      expect(answer).toMatchObject({ close: false, outcome: 'ok', cmd: request.cmd })
    })
  }

  test('one with an error has nothing else, though the port did answer', async () => {
    const port = { ...GENEROUS, login: async () => false }
    expect(await ask('{"cmd":"login","zone":"m","passwd":"x"}', port)).toMatchObject({
      told: error('LOGIN_FAILED'),
      outcome: 'denied',
      reason: 'LOGIN_FAILED',
    })
    // What is not the word itself opens nothing.
    for (const answer of [undefined, 1, 'true', {}]) {
      const odd = portOf(() => answer)
      expect((await ask('{"cmd":"login","zone":"m","passwd":"x"}', odd)).outcome).toBe('denied')
    }
  })

  test('one that is too long is an error, and the connection goes on', async () => {
    const data = formatRequest({ cmd: 'list-accts' })
    const limits = { maxReplyBytes: 256 }
    const long = portOf(() => ({ login: 'x'.repeat(300), accounts: [] }))
    const answer = await answerPacket({ data }, long, limits)
    expect(answer).toMatchObject({ reason: 'REPLY_TOO_LONG', close: false })
    expect(objectIn(answer.reply)).toEqual(error('REPLY_TOO_LONG'))
    const fits = portOf(() => ({ login: 'x'.repeat(256 - 37), accounts: [] }))
    expect((await answerPacket({ data }, fits, limits)).reply.length).toBe(256)
  })

  test('every error fits into the shortest reply that can be set', () => {
    for (const { text } of Object.values(REFUSALS)) {
      expect(text.length).toBeGreaterThan(0)
      const { length } = bytesOf(JSON.stringify({ error: text }))
      expect(length).toBeLessThanOrEqual(SUBAUTH_LIMITS.leastReplyBytes)
    }
  })
})

test('a port that permits nothing permits nothing', async () => {
  for (const request of FULL) {
    const answer = await answerPacket({ data: formatRequest(request) }, REFUSING_PORT)
    expect(answer.reason).toBe(request.cmd === 'nop' ? undefined : 'NOT_PERMITTED')
  }
})

describe('packets', () => {
  test.each([
    ['{nope', 'MALFORMED', true],
    ['[]', 'MALFORMED', true],
    ['', 'MALFORMED', true],
    ['{"cmd":"nop","cmd":"nop"}', 'DUPLICATE_KEY', false],
    ['{}', 'COMMAND_MISSING', false],
    ['{"cmd":"x"}', 'COMMAND_UNKNOWN', false],
    ['{"cmd":"create-token"}', 'ZONE_INVALID', false],
  ] as const)('%j', async (text, reason, close) => {
    expect(await ask(text)).toMatchObject({ told: error(reason), reason, close })
  })

  test('a part of a packet is not parsed, though it is an object', async () => {
    const data = bytesOf('{"cmd":"delete-acct","login":"alice","zone":"*"}')
    const port = portOf(() => expect.unreachable())
    const answer = await answerPacket({ data, truncated: true }, port)
    expect(answer).toMatchObject({ reason: 'TOO_LONG', close: true, outcome: 'invalid' })
    expect((await answerPacket({ data, truncated: false }, GENEROUS)).outcome).toBe('ok')
  })

  test('the limit of 16 KiB is the last byte that is read', async () => {
    const padded = (bytes: number) => bytesOf('{"cmd":"nop"}'.padEnd(bytes))
    const outcome = async (bytes: number) =>
      (await answerPacket({ data: padded(bytes) }, GENEROUS)).reason
    expect(await outcome(16_384)).toBe(undefined)
    expect(await outcome(16_385)).toBe('TOO_LONG')
    expect(await outcome(200 * 1024)).toBe('TOO_LONG')
    const larger = { maxRequestBytes: 200 * 1024 }
    const answer = await answerPacket({ data: padded(200 * 1024) }, GENEROUS, larger)
    expect(answer.outcome).toBe('ok')
  })

  test('nop needs no port', async () => {
    const data = bytesOf('{"cmd":"nop"}')
    const answer = await answerPacket({ data }, () => expect.unreachable())
    expect(answer.outcome).toBe('ok')
  })

  test('nor does what is no request', async () => {
    for (const text of ['{"cmd":"x"}', '{"cmd":"login"}', '{', '{"a":1,"a":1}']) {
      const answer = await answerPacket({ data: bytesOf(text) }, () => expect.unreachable())
      expect(answer.outcome).toBe('invalid')
    }
  })

  test.each([
    [{ maxRequestBytes: '1' }, TypeError],
    [{ maxRequestBytes: 0 }, RangeError],
    [{ maxRequestBytes: 1.5 }, RangeError],
    [{ maxReplyBytes: 255 }, RangeError],
    [{ maxReplyBytes: Number.POSITIVE_INFINITY }, RangeError],
    [{ maxReplyBytes: null }, TypeError],
  ])('wrong limits: %j', (limits, type) => {
    const run = () => answerPacket({ data: bytesOf('{}') }, GENEROUS, limits as never)
    expect(run).toThrow(type)
    expect(run).toThrow(Object.keys(limits)[0])
  })
})

describe('whatever comes', () => {
  const isReply = async (data: Uint8Array, port: SubauthPort) => {
    const answer = await answerPacket({ data }, port)
    const told = objectIn(answer.reply)
    expect(typeof told['error']).toBe('string')
    expect(told['error'] === '').toBe(answer.outcome === 'ok')
    if (told['error'] !== '') expect(Object.keys(told)).toEqual(['error'])
    return answer
  }

  test('any bytes have one reply that is an object with an error, and leave nothing behind', async () => {
    const site = modelSite()
    const pieces = fc.array(
      fc.oneof(
        fc.uint8Array({ maxLength: 8 }),
        fc.constantFrom(...['{', '}', '"cmd"', ':', '"nop"', ',', '[', '\\u'].map(bytesOf)),
      ),
    )
    await fc.assert(
      fc.asyncProperty(pieces, async (parts) => {
        await isReply(Buffer.concat(parts), site.portOf(0, 'root'))
      }),
      { numRuns: 1000 },
    )
    expect((await site.portOf(0, 'root').accounts({})).accounts).toEqual([])
  })

  test('any request, of anybody, and with a byte changed', async () => {
    const site = modelSite()
    const caller = fc.constantFrom<[number, string | undefined]>(
      [0, 'root'],
      [1001, 'alice'],
      [60_001, undefined],
    )
    await fc.assert(
      fc.asyncProperty(anyRequest, caller, fc.nat(), fc.nat(255), async (request, who, at, to) => {
        const data = formatRequest(request)
        const answer = await isReply(data, site.portOf(...who))
        expect(answer.cmd).toBe(request.cmd)
        data[at % data.length] = to
        await isReply(data, site.portOf(...who))
      }),
      { numRuns: 500 },
    )
  })

  test('what is thrown is told from the table alone', async () => {
    const secret = createCanary()
    const faults = [
      new Error(secret),
      new SubauthError('REFUSED', { text: secret }),
      new SubauthError('TIMEOUT'),
      new SubauthError('INTERNAL', { cause: new Error(secret) }),
      secret,
      undefined,
      null,
      { reason: 'NOT_PERMITTED', message: secret },
    ]
    for (const fault of faults) {
      for (const request of FULL) {
        const port = portOf(() => {
          throw fault
        })
        const answer = await answerPacket({ data: formatRequest(request) }, port)
        if (request.cmd === 'nop') continue
        expect(objectIn(answer.reply)).toEqual(error('INTERNAL'))
        expect(answer).toMatchObject({ outcome: 'failed', reason: 'INTERNAL', close: false })
        expect(answer.fault).toBe(fault)
      }
    }
    const known = portOf(() => {
      throw new SubauthError('ZONE_REFUSED', { cause: new Error(secret) })
    })
    const answer = await ask('{"cmd":"list"}', known)
    expect(answer.told).toEqual(error('ZONE_REFUSED'))
    expect('fault' in answer).toBe(false)
  })

  test('no error quotes what was sent', async () => {
    const secret = createCanary().replaceAll('-', '_')
    const known = new Set(Object.values(REFUSALS).map(({ text }) => text))
    const fields = ['login', 'zone', 'auth-passwd', 'passwd', 'comment', 'ident', 'validity']
    const bad = [`${secret}\n`, secret.repeat(100), [secret], { [secret]: secret }]
    const site = modelSite()
    for (const request of FULL) {
      for (const field of fields) {
        for (const value of [secret, ...bad]) {
          const text = JSON.stringify({ ...request, [field]: value })
          for (const sent of [text, text.slice(0, -1), `${text}x`, `{${text}`]) {
            const { told } = await ask(sent, site.portOf(1002, 'bob'))
            if (told['error'] === '') continue
            expect(known.has(told['error'] as string)).toBe(true)
            expect(JSON.stringify(told)).not.toContain(secret)
          }
        }
      }
    }
  })
})
