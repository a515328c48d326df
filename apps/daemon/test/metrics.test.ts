import type { StatusResponse } from '@secreg/protocol'
import { expect, onTestFinished, test } from 'vitest'
import { DaemonMetrics } from '../src/metrics.ts'

const STATUS: StatusResponse = {
  status: 'running',
  state: 'unsealed',
  initialized: true,
  version: '0.0.0',
  entries: 12,
  store: 'open',
  log: 'failing',
  rotation: { epoch: 2, phase: 'values', done: 3, total: 12, started_at: 0 },
  last_backup: {
    at: 1_800_000_000_500,
    id: 'a'.repeat(32),
    revision: 7,
    bytes: 65_536,
    where: 'client',
  },
}

test('tells what the status tells, and nothing of what is not known', async () => {
  const metrics = new DaemonMetrics()
  onTestFinished(() => metrics.close())
  const text = await metrics.text(STATUS)
  for (const line of [
    'secreg_unsealed 1',
    'secreg_entries 12',
    'secreg_log_healthy 0',
    'secreg_rotation_running 1',
    'secreg_rotation_entries_done 3',
    'secreg_last_backup_timestamp_seconds 1800000000.5',
    'secreg_last_backup_bytes 65536',
  ]) {
    expect(text.split('\n')).toContain(line)
  }
  expect(text).toMatch(/^secreg_event_loop_delay_seconds\{quantile="0.99"\} /m)
  expect(text).not.toMatch(/^secreg_connections /m)

  const { rotation: _, last_backup: __, ...later } = STATUS
  const next = await metrics.text({ ...later, state: 'sealed' })
  expect(next).toMatch(/^secreg_unsealed 0$/m)
  expect(next).toMatch(/^secreg_rotation_running 0$/m)
  expect(next).not.toMatch(/^secreg_(rotation_entries_done|last_backup_bytes) /m)
})
