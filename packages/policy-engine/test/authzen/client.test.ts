import { readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  type AuthzenAnswer,
  type AuthzenClientOptions,
  type AuthzenFailure,
  createAuthzenClient,
} from '@secreg/policy-engine/authzen'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const question = {
  subject: { type: 'account', id: 'alice' },
  action: { name: 'execute' },
  resource: { type: 'secret', id: '/kv/a' },
}
const BASE = 'https://pdp.example.com/tenant/'

type Fetch = typeof globalThis.fetch
type Init = RequestInit & { readonly signal: AbortSignal }

/** A service that answers a text, echoing the request id unless told otherwise. */
function service(
  text: string | Uint8Array<ArrayBuffer> | ReadableStream | null,
  init: ResponseInit & { echo?: string | null } = {},
): Fetch {
  return async (_url, request) => {
    const { echo, ...rest } = init
    const headers = new Headers(rest.headers)
    const id = echo === undefined ? new Headers(request?.headers).get('x-request-id') : echo
    if (id !== null) headers.set('x-request-id', id)
    return new Response(text, { ...rest, headers })
  }
}

const json = (value: unknown, init?: Parameters<typeof service>[1]) =>
  service(JSON.stringify(value), init)
const allow = json({ decision: true })

const ask = (fetch: Fetch, options: Partial<AuthzenClientOptions> = {}) =>
  createAuthzenClient({ baseUrl: BASE, fetch, timeoutMs: 200, ...options }).evaluate(question)
const unavailable = (failure: AuthzenFailure) => ({
  decision: 'deny',
  reason: 'unavailable',
  failure,
})

/** An error as undici gives it. */
const networkError = (code: string) => new TypeError('fetch failed', { cause: { code } })
const failing = (...codes: (string | undefined)[]) => {
  let calls = 0
  const fetch: Fetch = async (url, init) => {
    const code = codes[calls++]
    if (code !== undefined) throw networkError(code)
    return allow(url, init)
  }
  return { fetch, calls: () => calls }
}

const stream = (pull: (controller: ReadableStreamDefaultController) => void) =>
  new ReadableStream({ pull })
const never = () => new Promise<never>(() => {})

describe('the client', () => {
  it('sends one question and takes its answer', async () => {
    const sent: [string, Init][] = []
    const context = { decision_id: 'd1', obligations: { ttl_s: 60 } }
    const fetch: Fetch = async (url, init) => {
      sent.push([String(url), init as Init])
      return json({ decision: true, context })(url, init)
    }
    const answer = await createAuthzenClient({
      baseUrl: BASE,
      fetch,
      headers: () => ({ authorization: 'Bearer t' }),
      newRequestId: () => 'id-1',
    }).evaluate({ ...question, context: { token_jti: null, ip: '10.0.0.1' } })
    expect(answer).toEqual({ decision: 'allow', obligations: { ttlSeconds: 60 }, context })
    const [url, init] = sent[0] as [string, Init]
    expect(url).toBe('https://pdp.example.com/tenant/access/v1/evaluation')
    expect(init).toMatchObject({ method: 'POST', redirect: 'error' })
    expect(init.headers).toEqual({
      authorization: 'Bearer t',
      'content-type': 'application/json',
      'x-request-id': 'id-1',
    })
    expect(JSON.parse(String(init.body))).toEqual({ ...question, context: { ip: '10.0.0.1' } })
  })

  it.each<[string, Fetch, AuthzenAnswer]>([
    ['a denial', json({ decision: false }), { decision: 'deny', reason: 'policy' }],
    [
      'a denial with a context',
      json({ decision: false, context: { a: 1 } }),
      { decision: 'deny', reason: 'policy', context: { a: 1 } },
    ],
    [
      'an obligation that is not known',
      json({ decision: true, context: { obligations: { watermark: 1 } } }),
      { decision: 'deny', reason: 'obligation', context: { obligations: { watermark: 1 } } },
    ],
  ])('denies: %s', async (_name, fetch, expected) => {
    expect(await ask(fetch)).toEqual(expected)
  })

  it('denies until the subject has proved more', async () => {
    const obligations = [{ id: 'x', type: 'step-up', properties: { acr_values: ['phr'] } }]
    expect(await ask(json({ decision: true, context: { obligations } }))).toMatchObject({
      decision: 'deny',
      reason: 'step-up',
      acrValues: ['phr'],
    })
  })

  it.each<[string, Fetch, AuthzenFailure]>([
    ['201', json({ decision: true }, { status: 201 }), 'status'],
    ['204', service(null, { status: 204 }), 'status'],
    ['302', json({ decision: true }, { status: 302, headers: { location: BASE } }), 'status'],
    ['401', json({ decision: true }, { status: 401 }), 'status'],
    ['403', json({ decision: true }, { status: 403 }), 'status'],
    ['500', json({ decision: true }, { status: 500 }), 'status'],
    ['no request id', json({ decision: true }, { echo: null }), 'request-id'],
    ['the request id of another', json({ decision: true }, { echo: 'other' }), 'request-id'],
    ['an empty body', service(''), 'json'],
    ['no body', service(null), 'json'],
    ['a text', service('true'), 'shape'],
    ['HTML', service('<html>'), 'json'],
    ['half an answer', service('{"decision":tru'), 'json'],
    ['two answers', service('{"decision":true}{"decision":true}'), 'json'],
    ['a decision given twice', service('{"decision":false,"decision":true}'), 'json'],
    ['bytes that are not UTF-8', service(new Uint8Array([0x22, 0xff, 0x22])), 'json'],
    ['a byte order mark', service('\ufeff{"decision":true}'), 'json'],
    ['a list', json([{ decision: true }]), 'shape'],
    ['null', json(null), 'shape'],
    ['no decision', json({}), 'shape'],
    ['a decision as text', json({ decision: 'true' }), 'shape'],
    ['a decision as number', json({ decision: 1 }), 'shape'],
    ['a decision that is inherited', service('{"__proto__":{"decision":true}}'), 'shape'],
    ['a context that is none', json({ decision: true, context: 'x' }), 'shape'],
    [
      'an allow with an error',
      json({ decision: true, context: { error: { status: 500 } } }),
      'shape',
    ],
    ['a list of answers', json({ evaluations: [{ decision: true }] }), 'shape'],
    ['an answer without an end', service(`{"decision":true}${' '.repeat(2_000_000)}`), 'size'],
    ['no connection', failing('ECONNRESET').fetch, 'connect'],
    [
      'a fetch that throws',
      (() => {
        throw new Error('x')
      }) as Fetch,
      'connect',
    ],
    ['a fetch that rejects with nothing', () => Promise.reject(), 'connect'],
    ['a fetch that gives nothing', (async () => undefined) as unknown as Fetch, 'connect'],
    [
      'a body that breaks',
      service(stream((controller) => controller.error(new Error('x')))),
      'connect',
    ],
    ['no answer', never, 'timeout'],
    ['a body without an end', service(stream(never)), 'timeout'],
  ])('fails closed: %s', async (_name, fetch, failure) => {
    expect(await ask(fetch)).toEqual(unavailable(failure))
  })

  it('fails closed when its own parts fail', async () => {
    const broken = () => {
      throw new Error('x')
    }
    expect(await ask(allow, { headers: broken })).toEqual(unavailable('connect'))
    expect(await ask(allow, { newRequestId: broken })).toEqual(unavailable('connect'))
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    const client = createAuthzenClient({ baseUrl: BASE, fetch: allow })
    expect(await client.evaluate({ ...question, context: cycle })).toEqual(unavailable('connect'))
  })

  it('never allows but for `decision: true` that it has understood', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.json(), fc.string()), async (text) => {
        expect((await ask(service(text))).decision).toBe('deny')
      }),
    )
  })

  it('tries once more where nothing was sent, and only there', async () => {
    for (const code of ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']) {
      const once = failing(code)
      expect(await ask(once.fetch)).toMatchObject({ decision: 'allow' })
      expect(once.calls()).toBe(2)
      const twice = failing(code, code)
      expect(await ask(twice.fetch)).toEqual(unavailable('connect'))
      expect(twice.calls()).toBe(2)
    }
    for (const code of ['ECONNRESET', 'UND_ERR_SOCKET', 'EPIPE', 'UND_ERR_HEADERS_TIMEOUT']) {
      const lost = failing(code)
      expect(await ask(lost.fetch)).toEqual(unavailable('connect'))
      expect(lost.calls()).toBe(1)
    }
    let calls = 0
    const refusing: Fetch = (url, init) => {
      calls++
      return json({}, { status: 503 })(url, init)
    }
    expect(await ask(refusing)).toEqual(unavailable('status'))
    expect(calls).toBe(1)
  })

  it('counts the second attempt into the same time', async () => {
    const signals: unknown[] = []
    const fetch: Fetch = async (_url, init) => {
      signals.push(init?.signal)
      if (signals.length === 1) throw networkError('ECONNREFUSED')
      return never()
    }
    expect(await ask(fetch)).toEqual(unavailable('timeout'))
    expect(signals).toHaveLength(2)
    expect(signals[1]).toBe(signals[0])
  })

  it('ends in time where a caller may end it too, although memory is collected meanwhile', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const client = createAuthzenClient({ baseUrl: BASE, fetch: never, timeoutMs: 200 })
    const answer = client.evaluate(question, { signal: new AbortController().signal })
    await new Promise((resolve) => setImmediate(resolve))
    collect()
    expect(await answer).toEqual(unavailable('timeout'))
  })

  it('ends when its caller ends it, and passes that on', async () => {
    const controller = new AbortController()
    let passed: AbortSignal | undefined
    const fetch: Fetch = (_url, init) => {
      passed = init?.signal ?? undefined
      controller.abort()
      return never()
    }
    const client = createAuthzenClient({ baseUrl: BASE, fetch })
    expect(await client.evaluate(question, { signal: controller.signal })).toEqual(
      unavailable('aborted'),
    )
    expect(passed?.aborted).toBe(true)
    let called = false
    const later = createAuthzenClient({
      baseUrl: BASE,
      fetch: (url, init) => {
        called = true
        return allow(url, init)
      },
    })
    const ended = AbortSignal.abort()
    expect(await later.evaluate(question, { signal: ended })).toEqual(unavailable('aborted'))
    expect(called).toBe(false)
  })
})

describe('several questions at once', () => {
  const askAll = (fetch: Fetch, count: number) =>
    createAuthzenClient({ baseUrl: BASE, fetch, timeoutMs: 200 }).evaluateAll({
      ...question,
      evaluations: Array.from({ length: count }, (_, at) => ({
        resource: { type: 'secret', id: `/${at}` },
      })),
    })

  it('are answered in their order', async () => {
    const evaluations = [{ decision: true }, { decision: false }, { decision: 'yes' }]
    const answers = await askAll(json({ evaluations }), 3)
    expect(answers).toEqual([
      { decision: 'allow', obligations: {} },
      { decision: 'deny', reason: 'policy' },
      unavailable('shape'),
    ])
  })

  it.each<[string, unknown]>([
    ['too few answers', { evaluations: [{ decision: true }] }],
    ['too many answers', { evaluations: [1, 2, 3].map(() => ({ decision: true })) }],
    ['another member', { decisions: [{ decision: true }, { decision: true }] }],
    ['no list', { evaluations: { 0: { decision: true }, 1: { decision: true }, length: 2 } }],
    ['a single answer', { decision: true }],
  ])('are all denied for %s', async (_name, answer) => {
    expect(await askAll(json(answer), 2)).toEqual([unavailable('shape'), unavailable('shape')])
  })

  it('are all denied if there is no answer', async () => {
    expect(await askAll(json({}, { status: 500 }), 2)).toEqual([
      unavailable('status'),
      unavailable('status'),
    ])
  })

  it('are asked to the end, whatever the caller says, and none are not asked', async () => {
    const bodies: unknown[] = []
    const fetch: Fetch = (url, init) => {
      bodies.push(JSON.parse(String(init?.body)))
      return json({ evaluations: [{ decision: true }] })(url, init)
    }
    const client = createAuthzenClient({ baseUrl: BASE, fetch })
    const options = { evaluations_semantic: 'permit_on_first_permit' } as const
    await client.evaluateAll({ ...question, evaluations: [{}], options })
    expect(bodies).toMatchObject([{ options: { evaluations_semantic: 'execute_all' } }])
    expect(await client.evaluateAll({ ...question, evaluations: [] })).toEqual([])
    expect(bodies).toHaveLength(1)
  })
})

describe('wrong arguments', () => {
  it.each([
    ...[
      'http://pdp.example.com',
      'ftp://a',
      'pdp.example.com',
      '',
      'https://',
      'https://a?b',
      'https://a#b',
    ],
    ...['https://user:password@a', 'http://127.0.0.1.example.com', 'http://localhost.example.com'],
  ])('the base URL %j', (baseUrl) => {
    expect(() => createAuthzenClient({ baseUrl, fetch: allow })).toThrow(RangeError)
  })

  it.each(['http://localhost:1', 'http://127.0.0.1:8181/a', 'http://[::1]', 'https://a/b/'])(
    'not the base URL %j',
    (baseUrl) => {
      expect(() => createAuthzenClient({ baseUrl, fetch: allow })).not.toThrow()
    },
  )

  it.each<[string, object, typeof TypeError | typeof RangeError]>([
    ['baseUrl', { baseUrl: undefined }, TypeError],
    ['fetch', { fetch: undefined }, TypeError],
    ['timeoutMs', { timeoutMs: 0 }, RangeError],
    ['timeoutMs', { timeoutMs: Number.POSITIVE_INFINITY }, RangeError],
    ['maxResponseBytes', { maxResponseBytes: 1.5 }, RangeError],
  ])('%s', (name, options, kind) => {
    const call = () =>
      createAuthzenClient({ baseUrl: BASE, fetch: allow, ...options } as AuthzenClientOptions)
    expect(call).toThrow(kind)
    expect(call).toThrow(name)
  })
})

it('nothing of AuthZEN needs a platform module', () => {
  const folder = new URL('../../src/', import.meta.url)
  const entry = readFileSync(new URL('authzen.ts', folder), 'utf8')
  const names = [...entry.matchAll(/from '\.\/(.+)'/g)].map(([, name]) => name as string)
  expect(names.length).toBeGreaterThan(8)
  for (const name of [...names, 'authzen/post.ts', 'authzen/read.ts']) {
    const text = readFileSync(new URL(name, folder), 'utf8')
    for (const [, from] of text.matchAll(/from '([^']+)'/g)) expect(from).toMatch(/^\.\.?\//)
  }
})
