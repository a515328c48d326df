/** Keys of the sockets at which clients of libvirt keep their secrets. */
import {
  type ConfigRow,
  flag,
  GROUP,
  integer,
  MODE,
  optional,
  SOCKET_PATH,
  text,
} from './config-row.ts'
import type { ConfigSections } from './config-values.ts'

type Rows<S extends keyof ConfigSections> = {
  readonly [F in keyof ConfigSections[S]]-?: ConfigRow<ConfigSections[S][F]>
}

export const LIBVIRT_ROWS: Rows<'libvirt'> = {
  socket: text(
    'libvirt.socket',
    undefined,
    optional(SOCKET_PATH, false),
    'Unix socket for clients of libvirt; at /run/libvirt/virtsecretd-sock they find it by themselves',
  ),
  socketReadOnly: text(
    'libvirt.socket_read_only',
    undefined,
    optional(SOCKET_PATH, false),
    'The same for those who may only look; /run/libvirt/virtsecretd-sock-ro is its usual place',
  ),
  mode: text('libvirt.mode', 0o600, MODE, 'Permission bits of libvirt.socket'),
  modeReadOnly: text(
    'libvirt.mode_read_only',
    0o600,
    MODE,
    'Permission bits of libvirt.socket_read_only',
  ),
  group: text('libvirt.group', undefined, optional(GROUP, false), 'Group of both sockets'),
  privateValues: flag(
    'libvirt.private_values',
    false,
    'Whether private values are given to those with the right use-internal; without, as by libvirt, to nobody',
  ),
  maxConnections: integer(
    'libvirt.max_connections',
    [1024, 1, 100_000],
    '',
    'Connections to both sockets',
  ),
  maxUnopened: integer(
    'libvirt.max_unopened',
    [20, 1, 100_000],
    '',
    'Connections of one user of the system that have not yet asked for secrets',
  ),
  backlog: integer(
    'libvirt.backlog',
    [128, 1, 65_535],
    '',
    'Connections to each socket that wait to be accepted',
  ),
  openTimeoutSeconds: integer(
    'libvirt.open_timeout',
    [30, 1, 3600],
    'seconds',
    'Time after which a connection is closed that has not asked for secrets',
  ),
  keepaliveIntervalSeconds: integer(
    'libvirt.keepalive_interval',
    [5, 0, 3600],
    'seconds',
    'Silence after which a client that can answer is asked whether it is there; 0 is never',
  ),
  keepaliveCount: integer(
    'libvirt.keepalive_count',
    [5, 0, 1000],
    '',
    'Questions that may stay unanswered before its connection is closed',
  ),
}
