/** Who works on a store offline, as recorded: the kernel says who runs the command. */
import type { Caller } from '@secreg/protocol'
import { internalCaller } from '@secreg/registry/restore'

/** @param command - for example `secregd restore` */
export function operator(command: string): Caller {
  // Not by the list of users, in which he need not be.
  const uid = process.geteuid?.()
  const gid = process.getegid?.()
  const { login: _, ...caller } = internalCaller(command)
  return Object.freeze({
    ...caller,
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    pid: process.pid,
  })
}
