/** Cases A and K about decisions of another: what he is asked, what his answers mean, and how long they hold. */
import { waitFor } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { expectCode, expectDenied, expectReply, type SecretsReply } from '../lib/secrets-call.ts'
import { askEndpoint, ENDPOINTS } from '../lib/secrets-endpoints.ts'
import { dpopProof, SigningKey } from '../lib/secrets-issuer.ts'
import {
  DENY,
  grantOf,
  type PdpDecision,
  type PdpFault,
  PERMIT,
  sendJson,
} from '../lib/secrets-pdp.ts'
import type { SecretsDesk } from '../lib/secrets-site.ts'

const kv = (path: string): string => `openbao+kv2://secret/${path}`
const TEST = kv('app/test#value')

/** Answers that are none. */
const NO_ANSWERS: Readonly<Record<string, PdpFault>> = {
  'an error': (_, response) => sendJson(response, 500, { decision: true }),
  'a status of another kind': (_, response) => sendJson(response, 201, { decision: true }),
  'no JSON': (_, response) => sendJson(response, 200, '<html>'),
  'a text': (_, response) => sendJson(response, 200, { decision: 'true' }),
  'a number': (_, response) => sendJson(response, 200, { decision: 1 }),
  'a list': (_, response) => sendJson(response, 200, [{ decision: true }]),
  'a name twice': (_, response) => sendJson(response, 200, '{"decision":false,"decision":true}'),
  'an error beside it': (_, response) =>
    sendJson(response, 200, { decision: true, context: { error: { status: 500 } } }),
  'another place': (_, response) => {
    response.writeHead(307, { Location: '/access/v1/evaluation' }).end()
    return 'answered'
  },
  'another id': (_, response) => {
    response.setHeader('X-Request-ID', 'another')
    return sendJson(response, 200, { decision: true })
  },
  'too much': (_, response) =>
    sendJson(response, 200, `{"decision":true,"x":"${'x'.repeat(3e6)}"}`),
  nothing: () => 'answered',
  'half of it': (_, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': '100' })
    response.write('{"decision":', () => response.destroy())
    return 'answered'
  },
}

export function decisionCases(desk: () => SecretsDesk): void {
  let subjects = 0
  /** Somebody whom nobody has asked about yet, and whose every token is another. */
  const somebody = () => {
    const sub = `somebody-${++subjects}`
    const { issuer, caller, pdp } = desk()
    const subject = issuer.subject(sub)
    return {
      subject,
      token: (more: object = {}) => issuer.token(sub, undefined, { ...more }),
      read: (uri: string): Promise<SecretsReply> => caller.value(uri, issuer.token(sub)),
      asked: (): number => pdp.askedAbout(subject).length,
    }
  }
  const deciding = async (
    decide: (id: string) => PdpDecision,
    run: () => Promise<void>,
  ): Promise<void> => {
    const { pdp } = desk()
    pdp.decide = ({ resource }) => decide(resource.id)
    try {
      await run()
    } finally {
      pdp.decide = () => PERMIT
    }
  }

  describe('what is asked', () => {
    for (const endpoint of ENDPOINTS) {
      const { id, path, purposes } = endpoint
      test(`A12: ${id} ${path}: ${purposes.join(' ')}`, async () => {
        const { subject, token } = somebody()
        await askEndpoint(desk().caller, endpoint, token())
        const asked = desk().pdp.askedAbout(subject)
        const names = asked.flatMap(({ questions }) => questions.map(({ action }) => action.name))
        expect([...new Set(names)].sort()).toEqual([...purposes].sort())
      })
    }

    test('A12: E14: each item its own', async () => {
      const { subject, token } = somebody()
      const uri = kv('decided/bulk')
      const operations = [
        { op: 'set', uri: `${uri}#k`, value: 'v' },
        { op: 'rotate', uri: `${uri}#k`, value: 'w' },
        { op: 'delete', uri: `${uri}#k` },
        { op: 'undelete', uri, versions: [2] },
        { op: 'destroy', uri, versions: [1] },
        { op: 'destroy', uri },
      ]
      const reply = await desk().caller.ask('POST', '/bulk', {
        body: { operations },
        token: token(),
      })
      expectReply(reply, 200)
      const asked = desk().pdp.askedAbout(subject)
      expect(asked.map(({ questions }) => questions[0]?.action.name)).toEqual([
        'write',
        'rotate',
        'delete',
        'undelete',
        'destroy_versions',
        'destroy_versions',
      ])
    })
  })

  describe('answers that are none', () => {
    const unavailable = async (what: string): Promise<void> => {
      const { kv: server, caller } = desk()
      const { mark } = server
      const { token } = somebody()
      const reply = await caller.value(TEST, token())
      expectReply(reply, 503, { code: 'PDP_UNAVAILABLE' }, what)
      expect(Number(reply.headers['retry-after']), what).toBeGreaterThan(0)
      expect(server.reads(mark), what).toEqual([])
    }

    test('A13: permit nothing', async () => {
      const { pdp } = desk()
      try {
        for (const [what, fault] of Object.entries(NO_ANSWERS)) {
          pdp.fault = fault
          await unavailable(what)
        }
      } finally {
        pdp.fault = undefined
      }
    })

    test('A13: nor does nobody', async () => {
      await desk().pdp.stop()
      try {
        await unavailable('nobody')
      } finally {
        await desk().pdp.start()
      }
      await waitFor(async () => (await somebody().read(TEST)).status === 200)
    })
  })

  describe('obligations', () => {
    test('A14: that are not understood are a denial', async () => {
      const odd = { id: 'x', type: 'watermark' }
      for (const obligations of [
        [odd],
        [{ ...odd, properties: {} }],
        [{ id: 'x', type: 'custom', properties: { watermark: true } }],
        [{ id: 'x', type: 'custom', properties: { max_uses: 'many' } }],
        'watermark',
      ]) {
        await deciding(
          () => ({ decision: true, context: { obligations } }),
          async () => {
            const reply = await somebody().read(TEST)
            expectDenied(reply, 'execute', TEST, 'OBLIGATION_UNSUPPORTED')
          },
        )
      }
    })

    test('A15: of uses: for so many, nobody is asked again', async () => {
      await deciding(
        () => grantOf({ max_uses: 2, ttl_seconds: 60 }),
        async () => {
          const { read, asked } = somebody()
          const counts: number[] = []
          for (let time = 0; time < 3; time++) {
            expectReply(await read(TEST), 200, { value: 'two' })
            counts.push(asked())
          }
          expect(counts).toEqual([1, 1, 2])
        },
      )
    })

    test('A16: of time: for so long, nobody is asked again', async () => {
      await deciding(
        () => grantOf({ max_uses: 1000, ttl_s: 1 }),
        async () => {
          const { read, asked } = somebody()
          const startMs = performance.now()
          expectReply(await read(TEST), 200)
          await waitFor(
            async () => {
              expectReply(await read(TEST), 200)
              return asked() > 1
            },
            { intervalMs: 100 },
          )
          expect(performance.now() - startMs).toBeGreaterThan(990)
        },
      )
    })

    test('A17: of uses: also for a hundred at once', async () => {
      await deciding(
        () => grantOf({ max_uses: 10, ttl_seconds: 60 }),
        async () => {
          const { read, asked } = somebody()
          const { mark } = desk().kv
          const replies = await Promise.all(Array.from({ length: 100 }, () => read(TEST)))
          const done = replies.filter(({ status }) => status === 200).length
          expect(done).toBeGreaterThan(0)
          const reads = desk().kv.reads(mark).length
          expect(reads).toBeGreaterThanOrEqual(done)
          expect(reads).toBeLessThanOrEqual(10 * asked())
          for (const reply of replies) {
            if (reply.status !== 200) expectCode(reply, 429, 'PROVIDER_BUSY')
          }
        },
      )
    })

    test('K05: of many uses, some are told of, and each of those says so', async () => {
      await deciding(
        () => grantOf({ max_uses: 20, ttl_seconds: 60 }),
        async () => {
          const { read, subject } = somebody()
          for (let time = 0; time < 11; time++) expectReply(await read(TEST), 200)
          const { caller, issuer } = desk()
          const query = { event_type: 'SECRET_READ', subject }
          const { json } = await caller.ask('GET', '/audit', {
            query,
            token: issuer.token('auditor'),
          })
          expect(
            json.items.map(({ data }: { data: { sampled: boolean } }) => data.sampled),
          ).toEqual([true, true, false])
        },
      )
    })

    test('A18: a denial holds for a while, as a permit would', async () => {
      const { read, asked } = somebody()
      const startMs = performance.now()
      await deciding(
        () => DENY,
        async () => {
          expectDenied(await read(TEST), 'execute', TEST)
        },
      )
      expectDenied(await read(TEST), 'execute', TEST)
      expect(asked()).toBe(1)
      await waitFor(async () => (await read(TEST)).status === 200, { intervalMs: 100 })
      expect(performance.now() - startMs).toBeGreaterThan(1990)
      expect(asked()).toBe(2)
    })

    test('A20: a grant is of the key that it was given to', async () => {
      await deciding(
        () => grantOf({ max_uses: 100, ttl_seconds: 60 }),
        async () => {
          const [first, second] = [new SigningKey(), new SigningKey()]
          const { token } = somebody()
          const read = (key?: SigningKey): Promise<SecretsReply> => {
            if (key === undefined) return desk().caller.value(TEST, token())
            const bound = token({ cnf: { jkt: key.thumbprint } })
            const url = `${desk().http}/api/secrets/value`
            const proof = dpopProof(key, { method: 'GET', url, token: bound })
            const more = { scheme: 'DPoP', headers: { DPoP: proof } } as const
            return desk().caller.value(TEST, bound, more)
          }
          expectReply(await read(first), 200)
          expectReply(await read(first), 200)
          for (const other of [second, undefined]) {
            expectDenied(await read(other), 'execute', TEST, 'BINDING_DRIFT')
          }
          expectReply(await read(first), 200)
        },
      )
    })

    test('A22: a token opens one secret in all where that is wanted', async () => {
      const { caller } = desk()
      const one = somebody().token()
      expectReply(await caller.value(TEST, one), 200)
      const other = kv('app/api#token')
      expectDenied(await caller.value(other, one), 'execute', other, 'JTI_REPLAY')
    })
  })

  test('A24: an owner is who the server says', async () => {
    const { pdp, issuer, caller, kv: server } = desk()
    const { token, subject } = somebody()
    await server.write('decided/owned', { value: 'mine' })
    await server.call('POST', 'secret/metadata/decided/owned', {
      custom_metadata: { owner: subject },
    })
    pdp.decide = ({ resource, subject: who }) => ({
      decision: resource.properties?.['owner'] === who.id,
    })
    try {
      const uri = kv('decided/owned#value')
      expectReply(await caller.value(uri, token()), 200, { value: 'mine' })
      const headers = { Owner: issuer.subject('thief'), 'X-Owner': issuer.subject('thief') }
      const reply = await caller.value(uri, issuer.token('thief'), { headers })
      expectDenied(reply, 'execute', uri)
    } finally {
      pdp.decide = () => PERMIT
    }
  })
}
