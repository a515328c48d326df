/** What the kernel says of whoever connects (DESIGN §3). */
import type { Socket } from 'node:net'
import type { Peer } from '@secreg/registry'
import { type Credentials, nativeProblem, peerCredentials } from '@secreg/unix-socket'

/** Where the kernel is asked. */
export interface KernelWord {
  /** Why it cannot be asked, and what helps; undefined when it can. */
  readonly problem: string | undefined
  /**
   * Effective ids of the process that connected; undefined when the socket is gone, or nothing is to be learnt of it. Called
   * only where there is no problem.
   */
  credentialsOf(socket: Socket): Credentials | undefined
}

export const KERNEL_WORD: KernelWord = Object.freeze({
  problem: nativeProblem(),
  credentialsOf: (socket: Socket) => {
    try {
      return peerCredentials(socket)
    } catch {
      // One connection that cannot be told from others is not served; the daemon goes on.
      return undefined
    }
  },
})

/** A local peer by the word of the kernel. */
export function kernelFactsOf({ gid, pid, uid }: Credentials): Pick<Peer, 'uid' | 'gid' | 'pid'> {
  // A process of another namespace has no number here (pid_namespaces(7)).
  return { uid, gid, ...(pid === 0 ? {} : { pid }) }
}

/** What does not work where the kernel cannot be asked, for people. */
export const WITHOUT_KERNEL_WORD =
  'all local clients look alike: no login by the kernel’s word, no limits of one user, sessions are not bound to their user'
