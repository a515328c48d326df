/** Logins on the socket of gateways, with what only a gateway tells. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connectRelay } from '@secreg/client'
import { LIMITS } from '@secreg/protocol'
import { expect, test } from 'vitest'
import { PASSWORD, runDaemon } from './running-daemon.ts'

test.each(['localhost', '192.0.2.7:80', '10.0.0.0/8'])(
  'the address %s is none: the login is refused, and recorded like any other',
  async (address) => {
    const running = await runDaemon('gateway.socket = "HOME/g"')
    const admin = await running.initialize()
    await admin.user({ op: 'add', user: 'alice', password: PASSWORD })
    const log = () => readFileSync(running.home.file('audit/00000001.jsonl'), 'utf8').split('\n')
    await using relay = await connectRelay({ socket: running.home.file('g') })
    const before = log().length
    await expect(relay.auth({ username: 'alice', password: PASSWORD, address })).rejects.toThrow(
      expect.objectContaining({ reason: 'PAYLOAD_INVALID' }),
    )
    const [line = '', ...more] = log().slice(before - 1)
    expect(more).toEqual([''])
    expect(JSON.parse(line).body).toMatchObject({
      action: 'auth',
      outcome: 'failed',
      reason: 'PAYLOAD_INVALID',
      actor: { door: 'http', address: 'gateway', proof: 'asserted' },
    })
  },
)

test('the Secrets API can be asked without a session, with as much as it takes; never with one that has ended', async () => {
  const running = await runDaemon('gateway.socket = "HOME/g"')
  await running.initialize()
  await using relay = await connectRelay({ socket: running.home.file('g') })
  const body = '"'.repeat(LIMITS.secretsBodyBytes)
  const presented = { address: '192.0.2.1', method: 'POST', url: 'http://h/api/secrets' }
  const payload = { op: 'ask', route: 'write', body, presented } as const
  // It is read and understood; nobody serves it here.
  await expect(relay.request('secrets', payload, undefined)).rejects.toThrow(
    expect.objectContaining({ reason: 'NOT_FOUND' }),
  )
  await expect(relay.request('secrets', payload, randomUUID())).rejects.toThrow(
    expect.objectContaining({ reason: 'SESSION_INVALID' }),
  )
  expect(relay.closed).toBe(false)
})
