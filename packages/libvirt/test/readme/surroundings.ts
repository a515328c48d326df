/** What the examples of the README stand on. */
import type { SecretsPort, StreamConnection } from '@secreg/libvirt/server'
import type { ClientStream } from '../../src/client/stream.ts'
import { memoryPair } from '../client/memory-stream.ts'
import { MemorySecrets } from '../memory-port.ts'

const secrets = new MemorySecrets()

export function portOf(): SecretsPort {
  return secrets.port()
}

export function streams(): [ClientStream, StreamConnection] {
  return memoryPair()
}
