import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'

/**
 * Bytes written to a TCP connection that the peer's system has not acknowledged (`tx_queue` of
 * proc_pid_net(5)); undefined where the system does not tell. Node.js has no call for it.
 */
export async function unacknowledgedBytes(socket: Socket): Promise<number | undefined> {
  const { localPort, remotePort } = socket
  if (localPort === undefined || remotePort === undefined) return undefined
  const ports = `:${hexPort(localPort)} [0-9A-F]+:${hexPort(remotePort)}`
  const entry = new RegExp(`${ports} [0-9A-F]{2} ([0-9A-F]{8}):`, 'g')
  let most: number | undefined
  for (const table of ['tcp', 'tcp6']) {
    const text = await readFile(`/proc/self/net/${table}`, 'latin1').catch(() => '')
    // Another address of this machine may use the same ports: the larger number is the safe one.
    for (const [, bytes = ''] of text.matchAll(entry)) {
      most = Math.max(most ?? 0, Number.parseInt(bytes, 16))
    }
  }
  return most
}

function hexPort(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0')
}
