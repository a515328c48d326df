/** What a failed question to the egress child is to a client: whether something can have arrived, and whose fault it is. */
import { type Kv2Request, Kv2TransportError } from '@secreg/kv2'
import { describe, expect, test } from 'vitest'
import { EgressError, type EgressErrorCode } from '../../src/egress/errors.ts'
import type { HttpQuestion } from '../../src/egress/http-messages.ts'
import { EGRESS_FAULTS } from '../../src/egress/messages.ts'
import {
  type EgressTransportOptions,
  egressTransport,
} from '../../src/secrets-api/egress-transport.ts'

const REQUEST: Kv2Request = { method: 'GET', url: 'https://kv.example/', headers: { a: 'b' } }

type Call = EgressTransportOptions['egress']['call']

function transportOf(call: (question: HttpQuestion, options: Parameters<Call>[2]) => unknown) {
  return egressTransport({
    egress: {
      call: (async (_op: string, question: HttpQuestion, options: Parameters<Call>[2]) =>
        call(question, options)) as unknown as Call,
    },
    ca: 'PEM',
    verifyTls: true,
    poolSize: 3,
    timeoutMs: 2000,
  })
}

function failing(thrown: unknown, signal = new AbortController().signal): Promise<unknown> {
  const transport = transportOf(() => {
    throw thrown
  })
  return transport.send(REQUEST, { signal, maxAnswerBytes: 10 }).then(
    () => expect.unreachable(),
    (error: unknown) => error,
  )
}

const LOCAL = ['BUSY', 'TOO_LARGE', 'TIMEOUT', 'CHILD_GONE', 'CLOSED'] as const
const CODES = [...EGRESS_FAULTS, ...LOCAL].map((word) => `ERR_EGRESS_${word}` as EgressErrorCode)

describe('a failure', () => {
  test.each(CODES)('%s is of the transport, and tells only what is certain', async (code) => {
    const error = await failing(new EgressError(code))
    expect(error).toBeInstanceOf(Kv2TransportError)
    const { unsent, own } = error as Kv2TransportError
    const word = code.replace('ERR_EGRESS_', '')
    const known = ['NOT_SENT', 'TLS_FAILED', 'INVALID', 'TOO_LARGE', 'BUSY']
    expect(unsent).toBe(known.includes(word))
    const theirs = ['NOT_SENT', 'UNREACHABLE', 'TLS_FAILED', 'UNSUPPORTED', 'NOT_ALLOWED']
    const isTheirs =
      theirs.includes(word) || (word.startsWith('PEER_') && word !== 'PEER_TOO_LARGE')
    expect(own).toBe(word === 'BUSY' ? 'busy' : isTheirs ? undefined : 'failed')
    expect((error as Kv2TransportError).code).toBe(word)
  })

  test.each(['CHILD_GONE', 'CLOSED'] as const)(
    '%s of a child that was not asked has done nothing',
    async (word) => {
      const error = await failing(new EgressError(`ERR_EGRESS_${word}`, true))
      expect(error).toMatchObject({ unsent: true, own: 'failed' })
    },
  )

  test('that nobody knows may have done anything, and quotes nothing', async () => {
    const error = await failing(new Error('hvs.token'))
    expect(error).toMatchObject({ unsent: false, own: 'failed' })
    expect(String(error)).not.toContain('hvs')
  })

  test('once nobody waits is the reason of the signal', async () => {
    const reason = new Error('enough')
    const error = await failing(new EgressError('ERR_EGRESS_CANCELLED'), AbortSignal.abort(reason))
    expect(error).toBe(reason)
  })
})

test('what is asked is what the request says, and its answer is in bytes', async () => {
  const asked: unknown[] = []
  const transport = transportOf((question, { timeoutMs, signal }) => {
    asked.push(question, timeoutMs, signal?.aborted)
    return { status: 200, headers: { location: 'x' }, body: '/wA=', truncated: false }
  })
  const { signal } = new AbortController()
  const request = { ...REQUEST, method: 'POST', body: '{}' } as const
  const answer = await transport.send(request, { signal, maxAnswerBytes: 64 * 1024 * 1024 })
  expect(asked).toEqual([
    {
      method: 'POST',
      url: 'https://kv.example/',
      headers: { a: 'b' },
      body: '{}',
      ca: 'PEM',
      verifyTls: true,
      connectTimeoutMs: 5000,
      poolSize: 3,
      maxAnswerBytes: 2 * 1024 * 1024,
    },
    3000,
    false,
  ])
  expect(answer).toEqual({
    status: 200,
    headers: { location: 'x' },
    body: Buffer.from([255, 0]),
    truncated: false,
  })
})
