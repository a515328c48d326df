/** Logins on the socket of gateways, with what only a gateway tells. */
import { readFileSync } from 'node:fs'
import { connectRelay } from '@secreg/client'
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
