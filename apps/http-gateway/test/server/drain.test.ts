import { RawConnection, rawRequest, waitFor } from '@secreg/testkit'
import { expect, it } from 'vitest'
import { TOKEN } from '../support/fake-relay.ts'
import { startGateway } from '../support/test-gateway.ts'

const WHOAMI = rawRequest(
  'POST',
  '/registry/whoami',
  { 'Content-Type': 'application/json', Authorization: `Bearer ${TOKEN}` },
  '{}',
)

it('answers what is under way, says that it is over, and then is gone', async () => {
  await using running = await startGateway()
  let release: () => void = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  running.relay.answer = async () => {
    await held
    return { login: 'alice' }
  }
  using busy = await RawConnection.open(running.port)
  using idle = await RawConnection.open(running.port)
  idle.send(rawRequest('GET', '/health'))
  expect((await idle.answer()).status).toBe(200)
  busy.send(WHOAMI)
  await waitFor(() => running.relay.asked.length === 1)

  const closed = running.gateway.close(10_000)
  await idle.whenClosed()
  await expect(RawConnection.open(running.port)).rejects.toThrow()
  // Behind the one that is under way, on the same connection.
  busy.send(rawRequest('GET', '/health') + rawRequest('GET', '/ready'))
  release()
  const answer = await busy.answer()
  expect(answer.status).toBe(200)
  expect(answer.body).toBe('{"login":"alice"}')
  expect(answer.headers['connection']).toBe('close')
  await closed
  await busy.whenClosed()
  expect(running.relay.closed).toBe(true)
})

it('waits only so long', async () => {
  await using running = await startGateway()
  running.relay.answer = () => new Promise(() => {})
  using busy = await RawConnection.open(running.port)
  busy.send(WHOAMI)
  await waitFor(() => running.relay.asked.length === 1)
  await running.gateway.close(50)
  await busy.whenClosed()
  expect(busy.text).toBe('')
})

it('is at once where nothing is under way', async () => {
  await using running = await startGateway()
  using idle = await RawConnection.open(running.port)
  idle.send(rawRequest('GET', '/health'))
  await idle.answer()
  // Longer than this test may take.
  await running.gateway.close(600_000)
  await idle.whenClosed()
})
