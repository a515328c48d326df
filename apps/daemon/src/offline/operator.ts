/** Who works on a store offline, as recorded: the kernel says who runs the command. */
import { userInfo } from 'node:os'
import type { Caller } from '@secreg/protocol'

/** @param command - for example `secregd restore` */
export function operator(command: string): Caller {
  const { uid, gid } = userInfo()
  return Object.freeze({
    principals: Object.freeze([]),
    roles: Object.freeze([]),
    groups: Object.freeze([]),
    mfa: false,
    door: 'internal',
    address: command,
    proof: 'kernel',
    uid: uid < 0 ? 0 : uid,
    gid: gid < 0 ? 0 : gid,
    pid: process.pid,
  })
}
