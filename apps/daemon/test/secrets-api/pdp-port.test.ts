/** A decision point elsewhere, over a real egress child: what is asked, what counts as an answer, and what never goes where. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { inspect } from 'node:util'
import { authzenDecisions, EVALUATION_PATHS } from '@secreg/secrets-api/enforcement'
import { waitFor } from '@secreg/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Egress } from '../../src/egress/egress-process.ts'
import { EgressError } from '../../src/egress/errors.ts'
import { type PdpPortOptions, pdpPort } from '../../src/secrets-api/pdp-port.ts'
import type { PdpSettings } from '../../src/secrets-api/settings.ts'
import { buildEgress, type EgressProgram } from '../egress-program.ts'
import { serveBytes, serveHttp } from '../http-server.ts'

const MIB = 1024 * 1024
const PATH = EVALUATION_PATHS.evaluation
const TOKEN = 'pdp-token-canary'
const newSignal = (): AbortSignal => new AbortController().signal
const never = newSignal()

let program: EgressProgram
let egress: Egress
beforeAll(async () => {
  program = await buildEgress({ kafkajs: false })
  egress = new Egress({ command: program.command })
})
afterAll(async () => {
  await egress.close()
  program[Symbol.dispose]()
})

function portOf(
  url: string,
  more: Partial<PdpSettings> = {},
  options: PdpPortOptions = {},
): ReturnType<typeof pdpPort> {
  return pdpPort({ url, token: TOKEN, ca: undefined, timeoutMs: 10_000, ...more }, egress, options)
}

const code = (word: string): unknown => expect.objectContaining({ code: `ERR_OUTBOUND_${word}` })

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** An answer as it should be, but for what is told. */
function answer(
  request: IncomingMessage,
  response: ServerResponse,
  body: string | Buffer,
  { status = 200, headers = {} }: { status?: number; headers?: Record<string, string> } = {},
): void {
  const id = request.headers['x-request-id'] as string
  response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': id, ...headers })
  response.end(body)
}

describe('a decision point', () => {
  test('is asked as AuthZEN says, with a token and an id of the request', async () => {
    const seen: unknown[] = []
    const server = await serveHttp(async (request, response) => {
      const { method, url, headers } = request
      seen.push(
        method,
        url,
        headers.authorization,
        headers['content-type'],
        headers['x-request-id'],
      )
      seen.push(JSON.parse(await textOf(request)))
      answer(request, response, '{"decision":true}')
    })
    const port = portOf(`${server.url}/`, {}, { newId: () => 'id-1' })
    const body = { resource: { id: 'openbao+kv2://secret/ключ' } }
    expect(await port.postJson(PATH, body, never)).toEqual({ decision: true })
    expect(seen).toEqual(['POST', PATH, `Bearer ${TOKEN}`, 'application/json', 'id-1', body])
    await portOf(server.url, { token: undefined }).postJson(PATH, {}, never)
    expect(seen[8]).toBeUndefined()
    expect(seen[10]).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('decides', async () => {
    const server = await serveHttp(async (request, response) => {
      const { action } = JSON.parse(await textOf(request)) as { action: { name: string } }
      answer(request, response, JSON.stringify({ decision: action.name === 'read' }), {
        headers: { 'content-type': 'application/json; charset=utf-8' },
      })
    })
    const decisions = authzenDecisions(portOf(server.url))
    const question = (purpose: 'read' | 'write') => ({
      subject: { id: 'a', tenant: 't', issuer: undefined, clientId: undefined, scopes: [] },
      purpose,
      resource: { kind: 'tenant' as const },
      context: {
        audience: [],
        tokenId: undefined,
        correlationId: 'c',
        binding: { type: 'none' as const, value: undefined },
        timeMs: 0,
        workflowRunId: undefined,
        nodeId: undefined,
        systemId: undefined,
      },
    })
    expect(await decisions.decide([question('read') as never], never)).toMatchObject([
      { effect: 'Permit' },
    ])
    expect(await decisions.decide([question('write') as never], never)).toMatchObject([
      { effect: 'Deny' },
    ])
  })

  test.each<[string, string | Buffer, Parameters<typeof answer>[3], string]>([
    ['another status', '{"decision":true}', { status: 201 }, 'STATUS'],
    ['a denial of HTTP', '{"decision":true}', { status: 403 }, 'STATUS'],
    ['a failure', '', { status: 500 }, 'STATUS'],
    ['no type', '{"decision":true}', { headers: { 'content-type': '' } }, 'ANSWER'],
    ['another type', '{"decision":true}', { headers: { 'content-type': 'text/html' } }, 'ANSWER'],
    [
      'a type like it',
      '{"decision":true}',
      { headers: { 'content-type': 'application/jsonp' } },
      'ANSWER',
    ],
    [
      'the id of another request',
      '{"decision":true}',
      { headers: { 'x-request-id': 'other' } },
      'ANSWER',
    ],
    ['no JSON', '<html>', {}, 'ANSWER'],
    ['a name twice', '{"decision":false,"decision":true}', {}, 'ANSWER'],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]), {}, 'ANSWER'],
    ['too deep', '['.repeat(40) + ']'.repeat(40), {}, 'ANSWER'],
    ['too long', `"${'x'.repeat(MIB)}"`, {}, 'ANSWER'],
    ['nothing', '', {}, 'ANSWER'],
  ])('that answers with %s has not answered', async (_, body, how, word) => {
    let asked = 0
    const server = await serveHttp((request, response) => {
      asked++
      answer(request, response, body, how)
    })
    await expect(portOf(server.url).postJson(PATH, {}, never)).rejects.toEqual(code(word))
    expect(asked).toBe(1)
  })

  test('that does not echo the id has not answered', async () => {
    const server = await serveHttp((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"decision":true}')
    })
    await expect(portOf(server.url).postJson(PATH, {}, never)).rejects.toEqual(code('ANSWER'))
  })

  test('that sends on is not followed, and the token goes nowhere else', async () => {
    let elsewhere = 0
    const other = await serveHttp((request, response) => {
      elsewhere++
      answer(request, response, '{"decision":true}')
    })
    const server = await serveHttp((request, response) => {
      answer(request, response, '', { status: 307, headers: { location: `${other.url}${PATH}` } })
    })
    const error = await portOf(server.url)
      .postJson(PATH, {}, never)
      .catch((failure: unknown) => failure)
    expect(error).toMatchObject({ code: 'ERR_OUTBOUND_STATUS', status: 307 })
    expect(elsewhere).toBe(0)
  })

  test('that breaks off is not asked again', async () => {
    let connections = 0
    const server = await serveBytes((socket) => {
      connections++
      socket.once('data', () => socket.destroy())
    })
    await expect(portOf(server.url).postJson(PATH, {}, never)).rejects.toEqual(code('UNREACHABLE'))
    expect(connections).toBe(1)
  })

  test('that is slow is given up in the time of the settings, or when nobody waits', async () => {
    let asked = 0
    // Whether this one is even asked in so short a time makes no difference.
    const slow = await serveHttp(() => {})
    const late = portOf(slow.url, { timeoutMs: 100 }).postJson(PATH, {}, never)
    await expect(late).rejects.toEqual(code('TIMEOUT'))
    const server = await serveHttp(() => void asked++)
    const controller = new AbortController()
    const call = portOf(server.url).postJson(PATH, {}, controller.signal)
    await waitFor(() => asked === 1)
    controller.abort(new Error('enough'))
    await expect(call).rejects.toThrow('enough')
    await expect(portOf(server.url).postJson(PATH, {}, controller.signal)).rejects.toThrow('enough')
    await waitFor(() => slow.sockets.size + server.sockets.size === 0)
  })

  test('is asked sixteen questions at a time, the others wait, and time goes on', async () => {
    const held: (() => void)[] = []
    let most = 0
    const server = await serveHttp((request, response) => {
      held.push(() => answer(request, response, '{}'))
      most = Math.max(most, held.length)
    })
    const port = portOf(server.url)
    const calls = Array.from({ length: 40 }, () => port.postJson(PATH, {}, newSignal()))
    const waiting = new AbortController()
    const left = expect(port.postJson(PATH, {}, waiting.signal)).rejects.toThrow('left')
    await waitFor(() => held.length === 16)
    waiting.abort(new Error('left'))
    await left
    let done = false
    const all = Promise.all(calls).then(() => {
      done = true
    })
    await waitFor(() => {
      for (const go of held.splice(0)) go()
      return done
    })
    await all
    expect(most).toBeLessThanOrEqual(16)
    const short = portOf(server.url, { timeoutMs: 100 })
    const late = Array.from({ length: 20 }, () => short.postJson(PATH, {}, newSignal()))
    for (const { status, ...rest } of await Promise.allSettled(late)) {
      expect([status, rest]).toEqual(['rejected', { reason: code('TIMEOUT') }])
    }
  })

  test('that nobody listens at is tried once more, and no more', async () => {
    let asked = 0
    const counting = {
      call: (...args: Parameters<Egress['call']>) => {
        asked++
        return egress.call(...args)
      },
    } as Pick<Egress, 'call'>
    const url = 'http://127.0.0.1:1'
    const settings = { url, token: TOKEN, ca: undefined, timeoutMs: 5000 }
    await expect(pdpPort(settings, counting).postJson(PATH, {}, never)).rejects.toEqual(
      code('UNREACHABLE'),
    )
    expect(asked).toBe(2)
    const server = await serveHttp((request, response) => answer(request, response, '{}'))
    let failures = 1
    const once = {
      call: (...args: Parameters<Egress['call']>) => {
        if (failures-- > 0) return Promise.reject(new EgressError('ERR_EGRESS_NOT_SENT'))
        return egress.call(...args)
      },
    } as Pick<Egress, 'call'>
    expect(await pdpPort({ ...settings, url: server.url }, once).postJson(PATH, {}, never)).toEqual(
      {},
    )
  })

  test.each(['BUSY', 'TOO_LARGE'] as const)(
    'is not asked where the child is asked %s',
    async (word) => {
      let asked = 0
      const full = {
        call: () => {
          asked++
          return Promise.reject(new EgressError(`ERR_EGRESS_${word}`, true))
        },
      } as Pick<Egress, 'call'>
      const settings = { url: 'https://pdp.example', token: TOKEN, ca: undefined, timeoutMs: 5000 }
      await expect(pdpPort(settings, full).postJson(PATH, {}, never)).rejects.toEqual(
        code('REFUSED'),
      )
      expect(asked).toBe(1)
    },
  )

  test('is asked over TLS, unless it is of this machine', () => {
    for (const url of [
      'http://pdp.example',
      'ftp://pdp.example',
      'pdp.example',
      '',
      'https://u:p@pdp.example',
    ]) {
      expect(() => portOf(url), url).toThrow(RangeError)
    }
    portOf('http://pdp.example', {}, { allowPlainHttp: true })
    portOf('http://[::1]:1')
    portOf('https://pdp.example')
  })

  test('says nothing in an error', async () => {
    const server = await serveBytes((socket) => {
      socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\n\r\n${TOKEN} text-of-the-peer`))
    })
    const error = await portOf(server.url)
      .postJson(PATH, { secret: TOKEN }, never)
      .catch((failure: unknown) => failure)
    expect(inspect(error, { showHidden: true, depth: 10 })).not.toMatch(/canary|text-of/)
  })
})
