/** The circuit: opens after failures in a row, lets one call try later, and tells the observer. */
import { type CircuitState, type Kv2Answer, Kv2TransportError } from '@secreg/kv2'
import { describe, expect, test } from 'vitest'
import { Circuit } from '../src/circuit.ts'
import { answer, failureOf, fakeClient, liveAnswer, versionFacts } from './fake-transport.ts'
import { ManualClock, turn } from './manual-clock.ts'

function made() {
  const clock = new ManualClock()
  const states: CircuitState[] = []
  const circuit = new Circuit({ failures: 3, openMs: 1000 }, clock, (state) => states.push(state))
  return { circuit, clock, states }
}

test('only failures in a row open it', () => {
  const { circuit, states } = made()
  for (const verdict of ['failed', 'failed', 'alive', 'failed', 'unknown', 'failed'] as const) {
    circuit.enter()?.(verdict)
  }
  expect(circuit.state).toBe('closed')
  circuit.enter()?.('failed')
  expect(states).toEqual(['open'])
  expect(circuit.enter()).toBeUndefined()
})

test('after its time one call tries, and decides', () => {
  const { circuit, clock, states } = made()
  for (let calls = 0; calls < 3; calls++) circuit.enter()?.('failed')
  clock.advance(999)
  expect(circuit.enter()).toBeUndefined()
  clock.advance(1)
  const probe = circuit.enter()
  expect(circuit.enter()).toBeUndefined()
  probe?.('failed')
  expect(circuit.enter()).toBeUndefined()
  clock.advance(1000)
  // One that tells nothing leaves the next to try.
  circuit.enter()?.('unknown')
  circuit.enter()?.('alive')
  expect(states).toEqual(['open', 'half-open', 'open', 'half-open', 'closed'])
  circuit.enter()?.('failed')
  expect(circuit.state).toBe('closed')
})

test('calls from before it opened change nothing', () => {
  const { circuit } = made()
  const early = circuit.enter()
  for (let calls = 0; calls < 3; calls++) circuit.enter()?.('failed')
  early?.('alive')
  expect(circuit.state).toBe('open')
})

test('a failure of before it opened does not keep it open for longer', () => {
  const { circuit, clock, states } = made()
  const late = circuit.enter()
  for (let calls = 0; calls < 3; calls++) circuit.enter()?.('failed')
  clock.advance(600)
  late?.('failed')
  clock.advance(400)
  expect(circuit.enter()).toBeDefined()
  expect(states).toEqual(['open', 'half-open'])
})

describe('in a client', () => {
  const states: CircuitState[] = []
  const observer = { onCircuit: (state: CircuitState) => states.push(state) }

  test('five failed calls open it for 30 seconds, and nothing is sent meanwhile', async () => {
    states.length = 0
    const { client, transport, clock } = fakeClient(() => answer(500, {}), { observer })
    for (let calls = 0; calls < 5; calls++) await failureOf(client.write('a', {}))
    expect(states).toEqual(['open'])
    const sent = transport.calls.length
    for (let calls = 0; calls < 3; calls++) {
      expect(await failureOf(client.read('a'))).toMatchObject({
        code: 'ERR_KV2_CIRCUIT_OPEN',
        outcomeUnknown: false,
      })
    }
    clock.advance(29_999)
    await failureOf(client.write('a', {}))
    expect(transport.calls).toHaveLength(sent)

    let release: (value: Kv2Answer) => void = () => {}
    transport.handler = () =>
      new Promise((resolve) => {
        release = resolve
      })
    clock.advance(1)
    const probe = client.read('a')
    await turn()
    expect(await failureOf(client.read('a'))).toMatchObject({ code: 'ERR_KV2_CIRCUIT_OPEN' })
    release(liveAnswer())
    expect(await probe).toMatchObject({ state: 'live' })
    expect(states).toEqual(['open', 'half-open', 'closed'])
  })

  test.each([
    ['denied', answer(403, { errors: ['permission denied'] })],
    ['throttled', answer(429, { errors: [] })],
    ['refused', answer(400, { errors: ['check-and-set parameter did not match'] })],
    ['without a mount', answer(404, { errors: ['no handler for route'] })],
    ['too long', { ...answer(200, ''), truncated: true }],
    ['sent elsewhere', answer(307, '', { location: 'https://evil.example/' })],
  ])('a call that is %s tells that the server works', async (_what, reply) => {
    states.length = 0
    const { client } = fakeClient(() => reply, { observer })
    for (let calls = 0; calls < 7; calls++) {
      expect(await failureOf(client.write('a', {}))).not.toMatchObject({
        code: 'ERR_KV2_CIRCUIT_OPEN',
      })
    }
    expect(states).toEqual([])
  })

  test.each([
    ['sealed', answer(503, { errors: ['Vault is sealed'] })],
    ['a page of a proxy', answer(200, '<html>')],
    ['out of reach', undefined],
  ])('a server that is %s opens it', async (_what, reply) => {
    states.length = 0
    const { client } = fakeClient(
      () => {
        if (reply === undefined) throw new Error('no way')
        return reply
      },
      { observer, circuit: { failures: 2 } },
    )
    await failureOf(client.write('a', {}))
    await failureOf(client.write('a', {}))
    expect(states).toEqual(['open'])
  })

  test('a read that fails twice and then not at all counts once', async () => {
    states.length = 0
    const { client, clock } = fakeClient(() => answer(500, {}), {
      observer,
      circuit: { failures: 2 },
    })
    await failureOf(clock.until(client.read('a')))
    expect(states).toEqual([])
  })

  test.each(['busy', 'failed'] as const)(
    'what is the fault of a transport that is %s tells nothing',
    async (own) => {
      let isOwn = true
      const { client } = fakeClient(() => {
        if (isOwn) throw new Kv2TransportError(own === 'busy', undefined, own)
        throw new Kv2TransportError(true)
      })
      const code = own === 'busy' ? 'ERR_KV2_BUSY' : 'ERR_KV2_TRANSPORT_FAILED'
      for (let calls = 0; calls < 10; calls++) {
        expect(await failureOf(client.deleteLatest('a'))).toMatchObject({
          code,
          outcomeUnknown: own === 'failed',
        })
      }
      isOwn = false
      for (let calls = 0; calls < 5; calls++) await failureOf(client.deleteLatest('a'))
      expect((await failureOf(client.deleteLatest('a'))).code).toBe('ERR_KV2_CIRCUIT_OPEN')
    },
  )

  test('a transport that is busy after it has sent something has failed', async () => {
    const { client } = fakeClient(() => {
      throw new Kv2TransportError(false, undefined, 'busy')
    })
    expect(await failureOf(client.deleteLatest('a'))).toMatchObject({
      code: 'ERR_KV2_TRANSPORT_FAILED',
      outcomeUnknown: true,
    })
  })

  test('calls that are given up tell nothing', async () => {
    states.length = 0
    const { client } = fakeClient(() => new Promise(() => {}), {
      observer,
      circuit: { failures: 1 },
    })
    const controller = new AbortController()
    const call = client.read('a', { signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(call).rejects.toThrow('enough')
    expect(states).toEqual([])
  })
})

test('hooks that throw do no harm', async () => {
  const observer = {
    onCall: () => {
      throw new Error('of the hook')
    },
    onCircuit: () => {
      throw new Error('of the hook')
    },
  }
  const { client } = fakeClient(() => answer(200, { data: versionFacts() }), { observer })
  expect(await client.write('a', {})).toMatchObject({ version: 1 })
})
