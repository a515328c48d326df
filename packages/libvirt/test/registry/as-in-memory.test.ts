/**
 * Secrets in a registry against those in memory, which answer recorded clients as libvirt's driver did: the same answers,
 * errors with their texts, and events, for a user who has every permission of libvirt.
 */
import type { SecretDraft, UsageType } from '@secreg/libvirt'
import type { SecretEvent, SecretsPort } from '@secreg/libvirt/server'
import { waitFor } from '@secreg/testkit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemorySecrets } from '../memory-port.ts'
import { ALL, bytes, registrySite, uuidWith } from './site.ts'

const uuid = fc.constantFrom(...['a', 'b', 'c'].map(uuidWith))
const usage = fc.oneof(
  fc.constant({ type: 'none' as UsageType, id: '' }),
  fc.record({ type: fc.constantFrom<UsageType>('volume', 'vtpm'), id: fc.constantFrom('x', '/y') }),
)
const draft = fc.record({ uuid, usage, ephemeral: fc.boolean(), private: fc.boolean() })
const call = fc.oneof(
  draft.map((asked: SecretDraft) => (port: SecretsPort) => port.define(asked)),
  fc.tuple(uuid, fc.constantFrom('', 'v', 'w')).map(
    ([id, value]) =>
      (port: SecretsPort) =>
        value === '' ? port.getValue(id) : port.setValue(id, bytes(value)),
  ),
  uuid.map((id) => (port: SecretsPort) => port.undefine(id)),
  uuid.map((id) => (port: SecretsPort) => port.describe(id)),
  usage.map((asked) => (port: SecretsPort) => port.lookupByUsage(asked)),
  fc.constant((port: SecretsPort) => port.list()),
)

async function outcomeOf(run: Promise<unknown>): Promise<unknown> {
  try {
    return { answer: await run }
  } catch (error) {
    const { code, message } = error as Error & { code?: unknown }
    return { code, message }
  }
}

test('whoever may do everything cannot tell them apart', async () => {
  const property = fc.asyncProperty(
    fc.array(call, { minLength: 5, maxLength: 40 }),
    async (calls) => {
      const site = await registrySite()
      const { port } = await site.userWith('all', [{ permissions: ALL, secrets: ['*'] }])
      const memory = new MemorySecrets().port()
      const [ours, theirs]: [SecretEvent[], SecretEvent[]] = [[], []]
      await port.watch(
        (event) => ours.push(event),
        () => {},
      )
      await memory.watch(
        (event) => theirs.push(event),
        () => {},
      )
      for (const run of calls) {
        expect(await outcomeOf(run(port))).toEqual(await outcomeOf(run(memory)))
        await waitFor(() => ours.length >= theirs.length)
        expect(ours).toEqual(theirs)
      }
      await site.close()
    },
  )
  await fc.assert(property, { numRuns: 25 })
})
