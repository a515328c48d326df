import { SecregError } from '@secreg/protocol'
import { describe, expect, it } from 'vitest'
import { RelayLink } from '../../src/relay/relay-link.ts'
import { FakeRelay } from '../support/fake-relay.ts'

const failure = (error: unknown): SecregError => {
  if (!SecregError.is(error)) throw error
  return error
}

describe('RelayLink', () => {
  it('connects when it is needed, once for all who wait', async () => {
    let connects = 0
    const relay = new FakeRelay()
    const link = new RelayLink({
      connect: async () => {
        connects++
        return relay
      },
    })
    expect(link.connected).toBe(false)
    await Promise.all([link.status(), link.status(), link.auth({ token: 'x' })])
    expect(connects).toBe(1)
    expect(link.connected).toBe(true)
    await link.close()
    expect(relay.closed).toBe(true)
    const late = await link.status().catch(failure)
    expect(late).toMatchObject({ reason: 'SHUTTING_DOWN' })
  })

  it('tells that a connection is lost, and makes another', async () => {
    const made: FakeRelay[] = []
    let lost = 0
    const link = new RelayLink({
      connect: async () => {
        const relay = new FakeRelay()
        made.push(relay)
        return relay
      },
      onLost: () => {
        lost++
      },
    })
    await link.status()
    made[0]?.lose()
    // Told without anybody asking.
    await Promise.resolve()
    expect(lost).toBe(1)
    expect(link.connected).toBe(false)
    await link.status()
    expect(made).toHaveLength(2)
    expect(lost).toBe(1)
  })

  it('waits longer after each failed attempt, and says how long', async () => {
    let now = 0
    let connects = 0
    const attempts: boolean[] = []
    const link = new RelayLink({
      connect: async () => {
        connects++
        if (connects < 8) throw new SecregError('UNREACHABLE', 'nobody listens')
        return new FakeRelay()
      },
      now: () => now,
      onAttempt: (ok) => attempts.push(ok),
    })
    for (const [at, pauseMs] of [100, 200, 400, 800, 1600, 3200, 5000].entries()) {
      const error = failure(await link.status().catch((thrown: unknown) => thrown))
      expect(error).toMatchObject({ reason: 'UNREACHABLE' })
      expect(error.retryAfterSeconds).toBe(Math.ceil(pauseMs / 1000))
      expect(connects).toBe(at + 1)
      // Until then nobody tries.
      now += pauseMs - 1
      expect(await link.status().catch(failure)).toMatchObject({ reason: 'UNREACHABLE' })
      expect(connects).toBe(at + 1)
      now += 1
    }
    expect(await link.status()).toMatchObject({ state: 'unsealed' })
    expect(attempts.at(-1)).toBe(true)
  })

  it('closes a connection that is made while it is closed', async () => {
    const relay = new FakeRelay()
    let finish: () => void = () => {}
    const link = new RelayLink({
      connect: () =>
        new Promise((resolve) => {
          finish = () => resolve(relay)
        }),
    })
    const asking = link.status().catch(failure)
    const closing = link.close()
    finish()
    expect(await asking).toMatchObject({ reason: 'SHUTTING_DOWN' })
    await closing
    expect(relay.closed).toBe(true)
  })
})
