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
  expect(next).toMatch(/^secreg_seal_state\{state="sealed"\} 1$/m)
  expect(next).toMatch(/^secreg_seal_state\{state="unsealed"\} 0$/m)
  expect(next).toMatch(/^secreg_unsealed 0$/m)
  expect(next).toMatch(/^secreg_rotation_running 0$/m)
  expect(next).not.toMatch(/^secreg_(rotation_entries_done|last_backup_bytes) /m)
})

test('ages, records that are not synced, sinks, checkpoint and room', async () => {
  const metrics = new DaemonMetrics({ version: '1.2.3', now: () => 1_800_000_060_500 })
  onTestFinished(() => metrics.close())
  const sink = { sequence: 5, lag: 0 }
  const status: StatusResponse = {
    ...STATUS,
    log_sequence: 12,
    log_synced: 7,
    last_checkpoint: { sequence: 10, at: 1_800_000_000_000 },
    sinks: [
      { ...sink, name: 'syslog', state: 'idle' },
      { ...sink, name: 'kafka', state: 'retrying', lag: 7, error: 'ECONNREFUSED' },
      { ...sink, name: '/etc/secret"} 1', state: 'delivering' },
    ],
  }
  const room = { level: 'low', auditBytes: 1000, storeBytes: undefined } as const
  const lines = (await metrics.text(status, room)).split('\n')
  for (const line of [
    'secreg_last_backup_age_seconds 60',
    'secreg_log_unsynced_records 5',
    'secreg_audit_checkpoint_records 10',
    'secreg_audit_checkpoint_age_seconds 60.5',
    'secreg_audit_sink_up{sink="syslog"} 1',
    'secreg_audit_sink_up{sink="kafka"} 0',
    'secreg_audit_sink_up{sink="other"} 1',
    'secreg_audit_sink_lag_records{sink="kafka"} 7',
    'secreg_filesystem_free_bytes{filesystem="audit"} 1000',
    'secreg_audit_room_level{level="low"} 1',
    'secreg_audit_room_level{level="ok"} 0',
    `secreg_build_info{version="1.2.3",node="${process.versions.node}"} 1`,
  ]) {
    expect(lines).toContain(line)
  }
  expect(lines.join('\n')).not.toMatch(/etc|secret"|ECONN|filesystem="store"/)
  // A clock that was put back makes no negative age, and a sink that is gone is gone.
  const { sinks: _, ...without } = status
  const later = await metrics.text({ ...without, last_checkpoint: { sequence: 10, at: 9e15 } })
  expect(later).toMatch(/^secreg_audit_checkpoint_age_seconds 0$/m)
  expect(later).not.toMatch(/^secreg_audit_(sink_up|room_level)\{/m)
})

test('operations are counted under the names of requests', async () => {
  const metrics = new DaemonMetrics()
  onTestFinished(() => metrics.close())
  metrics.operations.observe('registry', 'get', 'ok', 0.00005)
  metrics.operations.observe('registry', 'unknown', 'failed', 0)
  const text = await metrics.text(STATUS)
  const get = 'door="registry",operation="get"'
  expect(text).toContain(`secreg_operations_total{${get},outcome="ok"} 1\n`)
  expect(text).toContain(`secreg_operation_duration_seconds_bucket{${get},le="0.0001"} 1\n`)
  expect(text).toContain('operation="unknown",outcome="failed"} 1\n')
})
