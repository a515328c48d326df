/**
 * kill -9 while many clients define, set and undefine: what was acknowledged is there, and no usage is two secrets'.
 * Durability class: synced. Rounds: `SECREG_SOAK_ROUNDS`, 2 unless told.
 */
import { randomInt } from 'node:crypto'
import {
  LibvirtConnectionError,
  LibvirtError,
  type Secret,
  type SecretRegistry,
} from '@secreg/libvirt'
import { waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { type LibvirtSite, startLibvirtSite } from '../lib/libvirt-site.ts'
import { readLog } from '../lib/site.ts'

const ROUNDS = Number(process.env['SECREG_SOAK_ROUNDS'] ?? 2)
const CLIENTS = 6
/** Usages that all of them want. */
const USAGES = 8

/** What one secret may be after the kill: states that were acknowledged last, or asked for and not answered. */
class Expected {
  readonly #states = new Map<string, readonly (string | undefined)[]>()

  /** Undefined stands for no such secret. */
  states(uuid: string): readonly (string | undefined)[] {
    return this.#states.get(uuid) ?? [undefined]
  }

  /** What a change leads to; until it is answered, what was there is possible too. */
  async change<T>(uuid: string, to: string | undefined, work: () => Promise<T>): Promise<T> {
    this.#states.set(uuid, [...this.states(uuid), to])
    const done = await work()
    this.#states.set(uuid, [to])
    return done
  }

  get uuids(): Iterable<string> {
    return this.#states.keys()
  }
}

const textOf = (secret: Secret, value: string): string => `${secret.usage.id} ${value}`

/** Take usages, set values and give the usages back until the daemon is gone. */
async function churn(
  registry: SecretRegistry,
  expected: Expected,
  onRound: () => void,
): Promise<void> {
  try {
    for (; ; onRound()) {
      const id = `usage ${randomInt(USAGES)}`
      const uuid = crypto.randomUUID()
      let secret: Secret
      try {
        const work = () => registry.define({ uuid, usage: { type: 'ceph', id } })
        secret = await expected.change(uuid, `${id} `, work)
      } catch (error) {
        const isTaken =
          LibvirtError.is(error) && /(?:already|another).* defined for/.test(error.message)
        if (!isTaken) throw error
        // Somebody else has it: of this one there is nothing.
        await expected.change(uuid, undefined, async () => {})
        continue
      }
      for (const value of ['a', 'b']) {
        const work = () => secret.setValue(Buffer.from(value))
        await expected.change(uuid, textOf(secret, value), work)
      }
      if (randomInt(3) > 0) await expected.change(uuid, undefined, () => secret.undefine())
    }
  } catch (error) {
    if (LibvirtConnectionError.is(error)) return
    throw error
  }
}

/** What is there, as it is told by lists, look-ups and values. */
async function found(site: LibvirtSite): Promise<Map<string, string>> {
  await using registry = await site.connect()
  const secrets = await registry.list()
  const there = new Map<string, string>()
  for (const secret of secrets) {
    const value = await secret.getValue().catch((error: unknown) => {
      if (LibvirtError.is(error, 66)) return new Uint8Array()
      throw error
    })
    there.set(secret.uuid, textOf(secret, Buffer.from(value).toString()))
    expect((await registry.getByUsage('ceph', secret.usage.id)).uuid).toBe(secret.uuid)
  }
  expect(new Set(secrets.map(({ usage }) => usage.id)).size).toBe(secrets.length)
  return there
}

test(`clients at once and kill -9, ${ROUNDS} times`, {
  timeout: 60_000 + ROUNDS * 60_000,
}, async (context) => {
  await using running = await startLibvirtSite(context)
  const { site } = running
  for (let round = 0; round < ROUNDS; round++) {
    const expected = new Expected()
    const registries = await Promise.all(Array.from({ length: CLIENTS }, () => site.connect()))
    const wanted = site.records().length + randomInt(100, 400)
    const busy = new Set<SecretRegistry>()
    const work = registries.map((one) => churn(one, expected, () => busy.add(one)))
    const isUnderWay = () => busy.size === CLIENTS && site.records().length > wanted
    await waitFor(isUnderWay, { timeoutMs: 60_000 })
    await site.children.at(-1)?.kill('SIGKILL')
    await Promise.all(work)
    await site.start()
    expect(readLog(site.audit).torn).toBe('')
    const there = await found(site)
    for (const uuid of expected.uuids) {
      expect(expected.states(uuid), uuid).toContain(there.get(uuid))
      there.delete(uuid)
    }
    // Nobody has made any other.
    expect([...there]).toEqual([])
    await using registry = await site.connect()
    for (const secret of await registry.list()) await secret.undefine()
  }
})
