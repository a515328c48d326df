import { UNSUPPORTED_OPERATIONS } from '@secreg/secrets-api'
import { expect, test } from 'vitest'
import { Meter } from '../../src/enforcement/metrics.ts'
import { measuredProvider } from '../../src/service/measured-provider.ts'
import { VersionedMemory } from '../provider/memory-provider.ts'

type Op = keyof typeof UNSUPPORTED_OPERATIONS

const OPS = Object.keys(UNSUPPORTED_OPERATIONS) as Op[]

/** A provider that tells what it was called with, or throws it. */
function echo(fails: boolean) {
  const provider = new VersionedMemory()
  const call =
    (op: Op) =>
    async (...args: unknown[]): Promise<never> => {
      if (fails) throw [op, ...args]
      return [op, ...args] as never
    }
  return Object.assign(provider, Object.fromEntries(OPS.map((op) => [op, call(op)])))
}

test.each(OPS)('%s is passed on as it is, and measured however it ends', async (op) => {
  for (const fails of [false, true]) {
    let nowMs = 0
    const measured: unknown[] = []
    const meter = new Meter({ record: (...args) => void measured.push(args) })
    const inner = echo(fails)
    const provider = measuredProvider(inner, 'hashicorp', meter, () => (nowMs += 500))
    expect([provider.name, provider.capabilities]).toEqual([inner.name, inner.capabilities])
    const call = provider[op] as (...args: unknown[]) => Promise<unknown>
    const ended = await call('a', 'b', 'c').catch((error: unknown) => error)
    expect(ended).toEqual([op, 'a', 'b', 'c'])
    const labels = { provider: 'hashicorp', op }
    expect(measured).toEqual([['provider_request_latency_seconds', labels, 0.5]])
  }
})
