/** Recorded clients against a server over secrets in memory. */
import type { SecretsPort } from '@secreg/libvirt/server'
import { describe } from 'vitest'
import { LIBVIRT_ERRORS } from '../../src/wire/errors.ts'
import { MemorySecrets } from '../memory-port.ts'
import type { ReplayedStore } from './replay.ts'
import { testRecordings } from './test-recordings.ts'

describe('recorded connections, over secrets in memory', () => {
  testRecordings(async () => new MemoryStore())
})

class MemoryStore implements ReplayedStore {
  readonly #secrets = new MemorySecrets()

  port(): SecretsPort {
    return this.#secrets.port()
  }

  elevated(): SecretsPort {
    return this.#secrets.port(true)
  }

  looking(): SecretsPort {
    const deny = async (): Promise<never> => {
      throw LIBVIRT_ERRORS.accessDenied()
    }
    return { ...this.port(), define: deny, setValue: deny, getValue: deny, undefine: deny }
  }

  set newUuid(make: () => string) {
    this.#secrets.randomUuid = make
  }

  async restart(): Promise<void> {
    this.#secrets.forgetEphemeral()
  }

  /** Events are told before the change is answered. */
  async settle(): Promise<void> {}

  async close(): Promise<void> {}
}
