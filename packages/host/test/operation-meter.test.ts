import { createMetrics, createOperationMeter, type OperationOutcome } from '@secreg/host'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'

const BOUNDS = [0.001, 0.01, 0.1]
const LABELS = {
  doors: ['registry', 'http'],
  operations: ['get', 'set'],
  bucketSeconds: BOUNDS,
} as const

function create() {
  const metrics = createMetrics()
  onTestFinished(() => metrics.close())
  const meter = createOperationMeter(metrics, LABELS)
  const lines = async () =>
    new Map(
      (await metrics.text())
        .split('\n')
        .filter((line) => line.startsWith('secreg_operation'))
        .map((line) => line.split(' ') as [string, string]),
    )
  return { metrics, meter, lines }
}

test('counts by door, operation and outcome, and sorts durations into buckets', async () => {
  const { meter, lines, metrics } = create()
  meter.observe('registry', 'get', 'ok', 0.001)
  meter.observe('registry', 'get', 'ok', 0.0011)
  meter.observe('registry', 'get', 'denied', 5)
  meter.observe('http', 'set', 'failed', 0)
  const text = await metrics.text()
  expect(text).toContain('# TYPE secreg_operations_total counter\n')
  expect(text).toContain('# TYPE secreg_operation_duration_seconds histogram\n')
  const found = await lines()
  const pair = 'door="registry",operation="get"'
  for (const [name, value] of [
    [`operations_total{${pair},outcome="ok"}`, '2'],
    [`operations_total{${pair},outcome="denied"}`, '1'],
    [`operations_total{${pair},outcome="failed"}`, '0'],
    ['operations_total{door="http",operation="set",outcome="failed"}', '1'],
    [`operation_duration_seconds_bucket{${pair},le="0.001"}`, '1'],
    [`operation_duration_seconds_bucket{${pair},le="0.01"}`, '2'],
    [`operation_duration_seconds_bucket{${pair},le="0.1"}`, '2'],
    [`operation_duration_seconds_bucket{${pair},le="+Inf"}`, '3'],
    [`operation_duration_seconds_count{${pair}}`, '3'],
    ['operation_duration_seconds_count{door="http",operation="set"}', '1'],
  ]) {
    expect(found.get(`secreg_${name}`), name).toBe(value)
  }
  expect(Number(found.get(`secreg_operation_duration_seconds_sum{${pair}}`))).toBeCloseTo(5.0021)
  // Every outcome is there from the start, durations only of what has happened.
  expect(found.get('secreg_operations_total{door="http",operation="get",outcome="ok"}')).toBe('0')
  expect([...found.keys()].filter((name) => name.includes('_count{'))).toHaveLength(2)
})

test('adds up like a plain count, however it is scraped', async () => {
  const observation = fc.record({
    door: fc.constantFrom(...LABELS.doors),
    operation: fc.constantFrom(...LABELS.operations),
    outcome: fc.constantFrom<OperationOutcome>('ok', 'denied', 'failed'),
    seconds: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(observation)), async (rounds) => {
      const metrics = createMetrics()
      const meter = createOperationMeter(metrics, LABELS)
      for (const round of rounds) {
        for (const { door, operation, outcome, seconds } of round) {
          meter.observe(door, operation, outcome, seconds)
        }
        await metrics.text()
      }
      const all = rounds.flat()
      const text = await metrics.text()
      metrics.close()
      for (const door of LABELS.doors) {
        for (const operation of LABELS.operations) {
          const own = all.filter((each) => each.door === door && each.operation === operation)
          const pair = `{door="${door}",operation="${operation}"`
          for (const outcome of ['ok', 'denied', 'failed']) {
            const count = own.filter((each) => each.outcome === outcome).length
            expect(text).toContain(`_total${pair},outcome="${outcome}"} ${count}\n`)
          }
          for (const bound of own.length === 0 ? [] : BOUNDS) {
            const count = own.filter(({ seconds }) => seconds <= bound).length
            expect(text).toContain(`_bucket${pair},le="${bound}"} ${count}\n`)
          }
        }
      }
    }),
    { numRuns: 50 },
  )
})

test('what is no duration counts as none', async () => {
  const { meter, lines } = create()
  for (const seconds of [Number.NaN, -1, Number.POSITIVE_INFINITY]) {
    meter.observe('http', 'get', 'ok', seconds)
  }
  const found = await lines()
  const pair = 'door="http",operation="get"'
  expect(found.get(`secreg_operation_duration_seconds_sum{${pair}}`)).toBe('0')
  expect(found.get(`secreg_operation_duration_seconds_bucket{${pair},le="0.001"}`)).toBe('3')
})

test('labels are of its lists only', async () => {
  const { meter, metrics } = create()
  const observe = meter.observe.bind(meter) as (...labels: [string, string, string, number]) => void
  for (const labels of [
    ['other', 'get', 'ok'],
    ['http', 'x"} 1\nsecreg_fake 1', 'ok'],
    ['http', '__proto__', 'ok'],
    ['http', 'get', 'maybe'],
  ] as [string, string, string][]) {
    expect(() => observe(...labels, 0)).toThrow(RangeError)
  }
  const text = await metrics.text()
  expect(text).not.toMatch(/other|fake|proto|maybe/)
  expect(text).not.toContain('_count{')
})
