import { createMetrics } from '@secreg/host'
import { afterEach, describe, expect, it } from 'vitest'
import { holdUpLoop, turn } from './hold-up-loop.ts'

const open: { close(): void }[] = []
afterEach(() => {
  for (const metrics of open.splice(0)) metrics.close()
})
const create = (...args: Parameters<typeof createMetrics>) => {
  const metrics = createMetrics(...args)
  open.push(metrics)
  return metrics
}

describe('createMetrics', () => {
  it('counts, in a registry of its own', async () => {
    const [a, b] = [create(), create()]
    a.counter('requests_total', 'Requests', ['type']).inc({ type: 'get' }, 2)
    b.counter('requests_total', 'Requests', ['type'])
    a.gauge('open', 'Open').set(3)
    a.histogram('size_bytes', 'Size', [10, 100]).observe(50)
    const text = await a.text()
    expect(text).toContain('secreg_requests_total{type="get"} 2')
    expect(text).toContain('secreg_open 3')
    expect(text).toContain('secreg_size_bytes_bucket{le="100"} 1')
    expect(await b.text()).not.toContain('type="get"')
    expect(a.contentType).toContain('text/plain')
  })

  it('measures the delay of the event loop, and starts anew with each look', async () => {
    const metrics = create({ resolutionMs: 1 })
    await holdUpLoop(60)
    await turn()
    expect(metrics.eventLoopDelayMs().max).toBeGreaterThan(30)
    expect(metrics.eventLoopDelayMs().max).toBeLessThan(30)
    expect(await metrics.text()).toMatch(
      /secreg_event_loop_delay_seconds\{quantile="0.99"\} [0-9.e-]+/,
    )
  })

  it('leaves names of somebody else as they are', async () => {
    const metrics = create()
    metrics.unprefixed.counter('grant_hit_total', 'Hits').inc()
    metrics.unprefixed.histogram('pdp_latency_ms', 'Time', [1]).observe(2)
    const text = await metrics.text()
    expect(text).toContain('\ngrant_hit_total 1')
    expect(text).toContain('\npdp_latency_ms_bucket{le="+Inf"} 1')
  })

  it('names by its prefix', async () => {
    expect(await create({ prefix: 'gateway' }).text()).toContain('gateway_resident_memory_bytes')
  })
})
