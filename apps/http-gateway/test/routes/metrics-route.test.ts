import { SecregError } from '@secreg/protocol'
import { RawConnection, waitFor } from '@secreg/testkit'
import { expect, it } from 'vitest'
import { ask } from '../support/ask.ts'
import { startGateway } from '../support/test-gateway.ts'

const READ = { method: 'GET' } as const

it('shows the figures of the gateway to whom the daemon would show its own', async () => {
  await using running = await startGateway()
  running.relay.answer = () => ({ metrics: 'secreg_of_the_daemon 1' })
  await ask(running, '/registry/whoami')
  await ask(running, '/nowhere-canary', READ)
  using noise = await RawConnection.open(running.port)
  noise.send('noise\r\n\r\n')
  await noise.whenClosed()
  const { status, headers, text } = await ask(running, '/metrics', READ)
  expect(status).toBe(200)
  expect(headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  expect(running.relay.asked.at(-1)).toMatchObject({ name: 'maintain', payload: { op: 'metrics' } })
  expect(text).toContain('secreg_gateway_requests_total{route="registry",status="2xx"} 1')
  expect(text).toContain('secreg_gateway_requests_total{route="none",status="4xx"} 1')
  expect(text).toContain('secreg_gateway_refused_connections_total{reason="malformed"} 1')
  expect(text).toContain('secreg_gateway_request_duration_seconds_count{route="registry"} 1')
  expect(text).toContain(
    'secreg_gateway_request_duration_seconds_bucket{route="registry",le="+Inf"} 1',
  )
  expect(text).toMatch(/^# TYPE secreg_gateway_request_duration_seconds histogram$/m)
  expect(text).toContain('secreg_gateway_daemon_connected 1')
  expect(text).not.toContain('canary')
  expect(text).not.toContain('secreg_of_the_daemon')
})

it('shows them to nobody else', async () => {
  await using running = await startGateway()
  running.relay.answer = () => {
    throw new SecregError('ACCESS_DENIED', 'denied by policy')
  }
  const answer = await ask(running, '/metrics', READ)
  expect(answer.status).toBe(403)
  expect(answer.text).not.toContain('secreg_gateway')
  const Origin = 'https://evil.example'
  expect((await ask(running, '/metrics', { ...READ, headers: { Origin } })).status).toBe(403)
  expect(running.relay.asked).toHaveLength(1)
})

it('counts what is open and what is held', async () => {
  await using running = await startGateway()
  using one = await RawConnection.open(running.port)
  using two = await RawConnection.open(running.port)
  await waitFor(() => running.gateway.server.connections === 2)
  const { registry } = running.gateway.figures
  expect(await registry.metrics()).toContain('secreg_gateway_connections 2')
  expect(await registry.metrics()).toContain('secreg_gateway_buffer_bytes 0')
  one.socket.destroy()
  two.socket.destroy()
  await waitFor(() => running.gateway.server.connections === 0)
  expect(await registry.metrics()).toContain('secreg_gateway_connections 0')
})
