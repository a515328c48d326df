/** Every gauge of the daemon with its meaning, and what of its facts it shows; nothing is told of what is not known. */
import type { SealState, StatusResponse } from '@secreg/protocol'
import { ROOM_LEVELS, type Room } from './disk-space.ts'

/** What gauges are made of. */
export interface MetricFacts {
  readonly status: StatusResponse
  /** Milliseconds since the epoch. */
  readonly nowMs: number
  readonly room?: Room | undefined
}

/** A gauge with one label: a value of each of its words. */
export type Labelled = readonly (readonly [label: string, value: number])[]

/** One gauge. */
export interface MetricRow {
  readonly name: string
  readonly help: string
  /** Name of the label; absent where it has none. */
  readonly label?: string
  read(facts: MetricFacts): number | undefined | Labelled
}

const SEAL_STATES: readonly SealState[] = ['uninitialized', 'sealed', 'unsealed']
/** States of a sink in which it takes records, or has taken them all. */
const SINK_UP: ReadonlySet<string> = new Set(['idle', 'delivering'])
/** Sinks have fixed names; should one ever not, it shows none. */
const SINK_NAME = /^[a-z][a-z0-9_-]{0,31}$/

const row = (name: string, help: string, read: MetricRow['read'], label?: string): MetricRow => ({
  name,
  help,
  read,
  ...(label === undefined ? {} : { label }),
})
const ofStatus = (
  name: string,
  help: string,
  read: (status: StatusResponse) => number | undefined,
): MetricRow => row(name, help, ({ status }) => read(status))
const oneOf = <T extends string>(words: readonly T[], word: T): Labelled =>
  words.map((each) => [each, Number(each === word)])
const ageSeconds = (atMs: number | undefined, nowMs: number): number | undefined =>
  atMs === undefined ? undefined : Math.max(0, nowMs - atMs) / 1000

const sinks = (
  { sinks: all = [] }: StatusResponse,
  read: (sink: NonNullable<StatusResponse['sinks']>[number]) => number,
): Labelled =>
  all.map((sink) => [SINK_NAME.test(sink.name) ? sink.name : 'other', read(sink)] as const)

/** All of them, in the order of the text. */
export const METRIC_ROWS: readonly MetricRow[] = Object.freeze([
  ofStatus('unsealed', 'Whether the registry is unsealed', ({ state }) =>
    Number(state === 'unsealed'),
  ),
  row(
    'seal_state',
    'State of the seal: 1 for the one that it is in',
    ({ status }) => oneOf(SEAL_STATES, status.state),
    'state',
  ),
  ofStatus('entries', 'Entries with a value', ({ entries }) => entries),
  ofStatus('revision', 'Revision of the last commit', ({ revision }) => revision),
  ofStatus('sessions', 'Sessions', ({ sessions }) => sessions),
  ofStatus('connections', 'Connections', ({ connections }) => connections),
  ofStatus('buffer_bytes', 'Buffers of all connections', ({ buffer_bytes }) => buffer_bytes),
  ofStatus('store_open', 'Whether the store takes writes', ({ store }) => Number(store === 'open')),
  ofStatus('log_healthy', 'Whether the audit log takes records', ({ log }) =>
    Number(log === 'healthy'),
  ),
  ofStatus('log_records', 'Records of the audit log', ({ log_sequence }) => log_sequence),
  ofStatus('log_synced_records', 'Records that are on the disk', ({ log_synced }) => log_synced),
  ofStatus(
    'log_unsynced_records',
    'Records that are written and not on the disk yet',
    ({ log_sequence, log_synced }) =>
      log_sequence === undefined || log_synced === undefined
        ? undefined
        : Math.max(0, log_sequence - log_synced),
  ),
  row(
    'audit_sink_up',
    'Whether a place beside the log takes records',
    ({ status }) => sinks(status, ({ state }) => Number(SINK_UP.has(state))),
    'sink',
  ),
  row(
    'audit_sink_lag_records',
    'Records that a place beside the log has not taken yet',
    ({ status }) => sinks(status, ({ lag }) => lag),
    'sink',
  ),
  ofStatus(
    'audit_checkpoint_records',
    'Records of the log at its last signed checkpoint',
    ({ last_checkpoint }) => last_checkpoint?.sequence,
  ),
  row('audit_checkpoint_age_seconds', 'Age of the last signed checkpoint', ({ status, nowMs }) =>
    ageSeconds(status.last_checkpoint?.at, nowMs),
  ),
  row(
    'filesystem_free_bytes',
    'Free room on the disks of audit log and store',
    ({ room }) =>
      (
        [
          ['audit', room?.auditBytes],
          ['store', room?.storeBytes],
        ] as const
      ).flatMap(([name, bytes]) => (bytes === undefined ? [] : [[name, bytes] as const])),
    'filesystem',
  ),
  row(
    'audit_room_level',
    'Level of the room on the disk of the log: 1 for the one that it is at',
    ({ room }) => (room === undefined ? [] : oneOf(ROOM_LEVELS, room.level)),
    'level',
  ),
  ofStatus('warnings', 'Warnings of the status', ({ warnings }) => warnings?.length ?? 0),
  ofStatus('rotation_running', 'Whether a rotation runs', ({ rotation }) =>
    Number(rotation !== undefined),
  ),
  ofStatus(
    'rotation_entries_done',
    'Entries that it has looked at',
    ({ rotation }) => rotation?.done,
  ),
  ofStatus(
    'rotation_entries',
    'Entries of the running rotation',
    ({ rotation }) => rotation?.total,
  ),
  ofStatus('rotation_unreadable_values', 'Values that it cannot open', ({ rotation }) =>
    rotation === undefined ? undefined : (rotation.unreadable ?? 0),
  ),
  ofStatus(
    'last_backup_timestamp_seconds',
    'When the last backup was complete',
    ({ last_backup }) => (last_backup === undefined ? undefined : last_backup.at / 1000),
  ),
  row('last_backup_age_seconds', 'Age of the last backup', ({ status, nowMs }) =>
    ageSeconds(status.last_backup?.at, nowMs),
  ),
  ofStatus('last_backup_bytes', 'Size of the last backup', ({ last_backup }) => last_backup?.bytes),
])
