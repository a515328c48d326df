/** Keys of the socket on which users of the machine keep the accounts that they have in zones (`subauth`). */
import { type ConfigRow, integer, MODE, optional, PATH, SOCKET_PATH, text } from './config-row.ts'
import type { ConfigSections } from './config-values.ts'

type Rows<S extends keyof ConfigSections> = {
  readonly [F in keyof ConfigSections[S]]-?: ConfigRow<ConfigSections[S][F]>
}

const KIB = 1024
// One packet must fit into the least send buffer that Linux gives to a socket by default: 212,992 bytes (unix(7)).
const PACKET_BYTES = 192 * KIB

export const SUBAUTH_ROWS: Rows<'subauth'> = {
  socket: text(
    'subauth.socket',
    undefined,
    optional(SOCKET_PATH, false),
    'Unix socket of sequential packets for accounts in zones; /run/secreg/subauth.sock is usual',
  ),
  mode: text(
    'subauth.mode',
    0o666,
    MODE,
    'Permission bits of that socket: who may do what is decided by the credentials of the process',
  ),
  maxRequestBytes: integer(
    'subauth.max_request_bytes',
    [16 * KIB, KIB, PACKET_BYTES],
    'bytes',
    'Size of a request there',
  ),
  maxReplyBytes: integer(
    'subauth.max_reply_bytes',
    [64 * KIB, KIB, PACKET_BYTES],
    'bytes',
    'Size of a reply; a longer one is an error instead',
  ),
  maxConnections: integer('subauth.max_connections', [1024, 1, 100_000], '', 'Connections there'),
  backlog: integer(
    'subauth.backlog',
    [511, 1, 65_535],
    '',
    'Connections there that wait to be accepted',
  ),
  failureDelayMs: integer(
    'subauth.failure_delay_ms',
    [2000, 0, 60_000],
    'milliseconds',
    'Least time that a refusal takes there; 0 is off',
  ),
  idleTimeoutSeconds: integer(
    'subauth.idle_timeout',
    [300, 1, 24 * 3600],
    'seconds',
    'Time after which a connection without a request is closed',
  ),
  usersFile: text(
    'subauth.users_file',
    undefined,
    optional(PATH, false),
    'File in the form of passwd(5) with the users, instead of those of the system',
  ),
}
