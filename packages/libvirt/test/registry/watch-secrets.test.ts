/** What a watch makes of the registry's messages, whenever they come. */
import type { SecretDefinition } from '@secreg/libvirt'
import { LibvirtError } from '@secreg/libvirt'
import { secretPath } from '@secreg/libvirt/dialect'
import type { ChangeEvent, ChangeOp } from '@secreg/protocol'
import { waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { type RegistryWatchMessage, watchSecrets } from '../../src/registry/watch-secrets.ts'
import { LIBVIRT_ERRORS } from '../../src/wire/errors.ts'
import { secret, uuidWith } from './site.ts'

const A = uuidWith('a')
const B = uuidWith('b')

const event = (op: ChangeOp, uuid: string): ChangeEvent => ({
  op,
  key: secretPath(uuid),
  version: 1,
  type: 'bytes',
  encrypted: true,
})

function site(...there: SecretDefinition[]) {
  const secrets = new Map(there.map((each) => [each.uuid, each]))
  const watches: { send: (message: RegistryWatchMessage) => void; stopped: boolean }[] = []
  const events: string[] = []
  const lookups: string[] = []
  const port = {
    list: async () => [...secrets.values()],
    lookup: async (uuid: string) => {
      lookups.push(uuid)
      const found = secrets.get(uuid)
      if (found === undefined) throw LIBVIRT_ERRORS.noSecret(uuid)
      return found
    },
  }
  /** How many events had been told at each end. */
  const ends: number[] = []
  const begin = () =>
    watchSecrets(
      port,
      async (_, send) => {
        const watch = { send, stopped: false }
        watches.push(watch)
        return () => {
          watch.stopped = true
        }
      },
      (told) =>
        events.push(`${told.type === 'lifecycle' ? told.event : 'value'} ${told.secret.uuid[0]}`),
      () => ends.push(events.length),
    )
  return { secrets, watches, events, ends, lookups, port, begin }
}

test('an expired or deleted version is no end of the secret, the secret itself is', async () => {
  const { begin, watches, events, secrets } = site(secret(A))
  await begin()
  watches[0]?.send({ events: [event('expire', A), event('delete', A), event('destroy', A)] })
  watches[0]?.send({ events: [event('create-version', A), event('activate', A)] })
  await waitFor(() => events.length === 1)
  secrets.delete(A)
  watches[0]?.send({ events: [event('expire', A), event('purge', A)] })
  await waitFor(() => events.length === 2)
  expect(events).toEqual(['value a', 'undefined a'])
})

test('what is not a secret, and what cannot be seen, is told of by nothing', async () => {
  const { begin, watches, events } = site(secret(A))
  await begin()
  watches[0]?.send({
    events: [
      { ...event('set', A), key: '/libvirt/other' },
      event('metadata', B),
      event('set', B),
      event('purge', B),
      event('set', A),
    ],
  })
  await waitFor(() => events.length === 1)
  expect(events).toEqual(['value a'])
})

test('after an overflow, what became of the secrets is told by a watch begun anew', async () => {
  const { begin, watches, events, secrets } = site(secret(A))
  await begin()
  secrets.delete(A)
  secrets.set(B, secret(B))
  watches[0]?.send({ events: [], overflow: true })
  await waitFor(() => events.length === 3)
  expect(events).toEqual(['undefined a', 'defined b', 'value b'])
  watches[1]?.send({ events: [event('set', B)] })
  await waitFor(() => events.length === 4)
})

test('events that nobody can keep up with are given up, and told of as above', async () => {
  const { begin, watches, events, lookups } = site(secret(A))
  await begin()
  const many = Array.from({ length: 6000 }, () => event('metadata', A))
  watches[0]?.send({ events: many })
  watches[0]?.send({ events: many })
  watches[0]?.send({ events: many })
  expect(watches[0]?.stopped).toBe(true)
  await waitFor(() => watches.length === 2 && events.at(-1) === 'value a')
  expect(lookups).toHaveLength(6000)
  watches[1]?.send({ events: [event('purge', A)] })
  await waitFor(() => events.at(-1) === 'undefined a')
})

test('it ends when the registry ends it, and when it is not wanted any more', async () => {
  const { begin, watches, events, ends } = site(secret(A))
  const stop = await begin()
  const error = { code: 910, status: 13, reason: 'SHUTTING_DOWN', message: 'stopping' }
  watches[0]?.send({ events: [event('set', A)], error: error as never })
  await waitFor(() => watches[0]?.stopped === true)
  expect(events).toEqual(['value a'])
  stop()
  expect(ends).toEqual([1])
  const { begin: again, watches: others, events: none, ends: noEnds } = site(secret(A))
  const end = await again()
  others[0]?.send({ events: [event('set', A)] })
  end()
  expect(others[0]?.stopped).toBe(true)
  await Promise.resolve()
  expect(none).toEqual([])
  expect(noEnds).toEqual([])
})

test('it ends, and says so, where what happened cannot be looked up', async () => {
  const { port, begin, watches, events, ends } = site(secret(A))
  await begin()
  port.lookup = () => Promise.reject(new Error('the disk is gone'))
  watches[0]?.send({ events: [event('metadata', A), event('set', A)] })
  await waitFor(() => ends.length === 1)
  expect(watches[0]?.stopped).toBe(true)
  expect(events).toEqual([])
})

test('it does not begin where the secrets cannot be listed', async () => {
  const { port, begin, watches } = site()
  port.list = () => Promise.reject(LIBVIRT_ERRORS.operationFailed('the registry is sealed'))
  await expect(begin()).rejects.toSatisfy((error) => LibvirtError.is(error))
  expect(watches[0]?.stopped).toBe(true)
})
