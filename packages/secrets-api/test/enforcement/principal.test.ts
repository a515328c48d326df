/** Who a caller is to the ports of this process: handed on as it is, and in nothing that is sent. */
import { auditEvents, evaluationBody, evaluationsBody } from '@secreg/secrets-api/enforcement'
import { expect, test } from 'vitest'
import { bench, kv, Recorder } from './support.ts'

const principal = { login: 'principal-canary' }

test('decisions, providers and attributes get the very principal of the caller', async () => {
  const seen: unknown[] = []
  const recorder = new Recorder()
  const inner = bench().openbao
  const { enforce } = bench(
    {
      providerOf(name, of) {
        seen.push(of)
        return name === 'openbao' ? inner : undefined
      },
      attributes: {
        async attributesOf(_uri, _signal, of) {
          seen.push(of)
          return { owner: 'alice' }
        },
      },
    },
    recorder,
  )
  const request = { operation: 'value', target: () => ({ uri: kv('app/api#token') }) } as const
  expect((await enforce(request, { principal })).kind).toBe('permitted')
  expect(seen).toHaveLength(2)
  for (const of of seen) expect(of).toBe(principal)
  expect(recorder.calls.flat()[0]?.subject.principal).toBe(principal)

  expect((await enforce(request)).kind).toBe('permitted')
  expect(seen.slice(2)).toEqual([undefined, undefined])
})

test('the default of attributes asks the provider of the principal', async () => {
  const seen: unknown[] = []
  const inner = bench().openbao
  const { enforce } = bench({
    providerOf(_name, of) {
      seen.push(of)
      return inner
    },
  })
  await enforce({ operation: 'value', target: () => ({ uri: kv('a#k') }) }, { principal })
  expect(seen).toEqual([principal, principal])
})

test('no question of AuthZEN and no event has it', async () => {
  const recorder = new Recorder()
  const { enforce, caller } = bench({}, recorder)
  const request = { operation: 'value', target: () => ({ uri: kv('app/api#token') }) } as const
  await enforce(request, { principal })
  const [question] = recorder.calls.flat()
  if (question === undefined) throw new Error('nothing was asked')
  const events = auditEvents(
    {
      caller: caller({ principal }),
      operation: 'value',
      operationId: 'o',
      resources: [],
      outcome: { kind: 'done', permits: [], facts: {} },
    },
    { service: 's', timeMs: 0, newId: () => 'e' },
  )
  const sent = JSON.stringify([evaluationBody(question), evaluationsBody([question]), events])
  expect(sent).toContain(question.subject.id)
  expect(sent).not.toContain('principal')
})
