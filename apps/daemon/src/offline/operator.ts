/** Who works on a store offline, as recorded: the kernel says who runs the command. */
import { userInfo } from 'node:os'
import type { Caller } from '@secreg/protocol'
import { internalCaller } from '@secreg/registry/restore'

/** @param command - for example `secregd restore` */
export function operator(command: string): Caller {
  const { uid, gid } = userInfo()
  const { login: _, ...caller } = internalCaller(command)
  return Object.freeze({ ...caller, uid, gid, pid: process.pid })
}
