/** What `security check` says about the libvirt sockets. */
import type { Config } from '@secreg/host'
import type { SecurityFinding } from '@secreg/protocol'
import { modeFinding } from '../server/mode-finding.ts'

/** Look at the sockets; nothing where none is served. */
export async function libvirtFindings({ libvirt }: Config): Promise<readonly SecurityFinding[]> {
  const { socket, mode, socketReadOnly, modeReadOnly } = libvirt
  return Promise.all([
    ...(socket === undefined ? [] : [modeFinding('libvirt socket', socket, mode)]),
    ...(socketReadOnly === undefined
      ? []
      : [modeFinding('libvirt read-only socket', socketReadOnly, modeReadOnly)]),
  ])
}
