/** Daemons in this process with libvirt sockets, and clients whose users the tests choose. */
import { connect, type Socket } from 'node:net'
import type { SecretRegistry } from '@secreg/libvirt'
import { connectLibvirt } from '@secreg/libvirt/node'
import { onTestFinished } from 'vitest'
import type { KernelWord } from '../../src/server/kernel-word.ts'
import { type RunningDaemon, runDaemon } from '../running-daemon.ts'

export const ALICE = 1001
export const STRANGER = 4000

export interface LibvirtSite extends RunningDaemon {
  /** Who those are that connect from now on. */
  setUid(uid: number): void
  open(options?: { readonly uid?: number; readonly readOnly?: boolean }): Promise<SecretRegistry>
  raw(uid?: number): Socket
}

export const SOCKETS = 'libvirt.socket = "HOME/lv"\nlibvirt.socket_read_only = "HOME/lv-ro"\n'

/** @param more - further lines of the configuration */
export async function startSite(more = ''): Promise<LibvirtSite> {
  let uid = STRANGER
  const kernel: KernelWord = {
    problem: undefined,
    credentialsOf: () => ({ uid, gid: uid, pid: 4242 }),
  }
  const running = await runDaemon(`${SOCKETS}${more}`, { kernel })
  const path = running.home.file('lv')
  const setUid = (next: number): void => {
    uid = next
  }
  return {
    ...running,
    setUid,
    open: async (options = {}) => {
      setUid(options.uid ?? uid)
      const { readOnly = false } = options
      const registry = await connectLibvirt({
        socket: readOnly ? `${path}-ro` : path,
        keepalive: false,
        timeoutMs: 5000,
      })
      onTestFinished(() => registry.close())
      return registry
    },
    raw: (who = uid) => {
      setUid(who)
      const socket = connect(path)
      socket.on('error', () => {})
      onTestFinished(() => {
        socket.destroy()
      })
      return socket
    },
  }
}

/** The same, with an account of alice's that a rule lets do everything with secrets of libvirt. */
export async function startWithAlice(more = ''): Promise<LibvirtSite> {
  const site = await startSite(more)
  const admin = await site.initialize()
  await admin.user({ op: 'add', user: 'alice', uids: [ALICE], roles: ['user'] })
  const document = {
    id: 'libvirt',
    rules: [
      {
        id: 'alice',
        effect: 'allow',
        principals: ['user:alice'],
        actions: ['list', 'read-metadata', 'read', 'decrypt', 'watch', 'create', 'update'].concat([
          'write-metadata',
          'purge',
        ]),
        resources: ['/libvirt', '/libvirt/**'],
      },
    ],
  }
  await admin.policy({ op: 'set', document })
  return site
}
