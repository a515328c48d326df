import { expect, it } from 'vitest'
import { healthRoute, readyRoute } from '../../src/routes/health-routes.ts'
import { ask } from '../support/ask.ts'
import { FakeRelay } from '../support/fake-relay.ts'
import { startGateway } from '../support/test-gateway.ts'

const EXCHANGE = undefined as never

it('health is well as long as anything is answered, whatever the daemon does', async () => {
  await using running = await startGateway()
  running.relay.lose()
  const options = { method: 'GET', token: null }
  expect(await ask(running, '/health', options)).toMatchObject({
    status: 200,
    text: '{"status":"ok"}',
  })
  expect(await ask(running, '/health', { ...options, method: 'HEAD' })).toMatchObject({
    status: 200,
    text: '',
  })
  expect(await healthRoute(() => true).answer(EXCHANGE)).toMatchObject({
    status: 503,
    body: '{"status":"draining"}',
  })
})

it.each([
  ['unsealed', 200],
  ['sealed', 503],
  ['uninitialized', 503],
] as const)('ready says %s and nothing else', async (state, status) => {
  await using running = await startGateway()
  running.relay.state = state
  const answer = await ask(running, '/ready', { method: 'GET', token: null })
  expect(answer).toMatchObject({ status, text: JSON.stringify({ state }) })
  expect(answer.headers.get('retry-after')).toBe(status === 503 ? '1' : null)
})

it('ready says when the daemon is not reached, and when the gateway stops', async () => {
  await using running = await startGateway()
  running.relay.lose()
  const answer = await ask(running, '/ready', { method: 'GET', token: null })
  expect(answer).toMatchObject({ status: 503, text: '{"state":"unreachable"}' })
  const stopping = readyRoute(running.relay, () => true)
  expect(await stopping.answer(EXCHANGE)).toMatchObject({
    status: 503,
    body: '{"state":"draining"}',
  })
})

it('ready asks the daemon once a second, however many ask', async () => {
  const relay = new FakeRelay()
  let now = 0
  const route = readyRoute(
    relay,
    () => false,
    () => now,
  )
  await Promise.all([route.answer(EXCHANGE), route.answer(EXCHANGE)])
  now = 999
  await route.answer(EXCHANGE)
  expect(relay.statusAsked).toBe(1)
  relay.state = 'sealed'
  now = 1000
  expect(await route.answer(EXCHANGE)).toMatchObject({ status: 503 })
  expect(relay.statusAsked).toBe(2)
})
