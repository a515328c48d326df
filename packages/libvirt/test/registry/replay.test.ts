/**
 * Recorded clients against a server over secrets in a real registry, whose users have the permissions of libvirt that
 * the recorded ones had: the same answers as over secrets in memory. A restart closes it and opens it anew.
 */
import { createMemoryFiles } from '@secreg/audit/testing'
import type { SecretsPort } from '@secreg/libvirt/server'
import { MemoryEngine } from '@secreg/storage'
import { FaultEngine } from '@secreg/storage/testing'
import { describe } from 'vitest'
import type { ReplayedStore } from '../server/replay.ts'
import { testRecordings } from '../server/test-recordings.ts'
import {
  ALL,
  LOOKING,
  type RegistrySite,
  registrySite,
  reopenedSite,
  type SiteUser,
} from './site.ts'

describe('recorded connections, over a registry', () => {
  testRecordings(() => RegistryStore.open())
})

interface Opened {
  readonly site: RegistrySite
  readonly user: SiteUser
  readonly guest: SiteUser
}

class RegistryStore implements ReplayedStore {
  newUuid: () => string = () => crypto.randomUUID()
  /** What outlives the registry. */
  readonly #medium = new MemoryEngine()
  readonly #files = createMemoryFiles()
  #opened: Opened | undefined

  static async open(): Promise<RegistryStore> {
    const store = new RegistryStore()
    const site = await registrySite(store.#options())
    const user = await site.userWith('user', [{ permissions: ALL, secrets: ['*'] }])
    const guest = await site.userWith('guest', [{ permissions: LOOKING, secrets: ['*'] }])
    store.#opened = { site, user, guest }
    return store
  }

  port(): SecretsPort {
    return this.#expectOpen().user.port
  }

  /** The first administrator has the right `use-internal`. */
  elevated(): SecretsPort {
    return this.#expectOpen().site.port
  }

  looking(): SecretsPort {
    return this.#expectOpen().guest.port
  }

  async restart(): Promise<void> {
    await this.close()
    const site = await reopenedSite(this.#options())
    const [user, guest] = [await site.user('user'), await site.user('guest')]
    this.#opened = { site, user, guest }
  }

  /** Reads are answered in their order, and whoever watches has looked up what events are about before this. */
  async settle(): Promise<void> {
    await this.port().list()
  }

  async close(): Promise<void> {
    await this.#opened?.site.close()
    this.#opened = undefined
  }

  #options() {
    return {
      engine: new FaultEngine(this.#medium),
      files: this.#files,
      newUuid: () => this.newUuid(),
    }
  }

  #expectOpen(): Opened {
    if (this.#opened === undefined) throw new Error('the registry is closed')
    return this.#opened
  }
}
