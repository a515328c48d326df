import {
  LIBVIRT_ERRORS,
  LibvirtConnectionError,
  openSecretRegistry,
  type SecretEvent,
} from '@secreg/libvirt'
import { waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { replayed } from './recorded-client.ts'
import { handle, SILENCE, StandIn, UUIDS } from './stand-in.ts'

const [first, second] = UUIDS
const PY = '55555555-5555-4555-8555-000000000001'

const told = (event: SecretEvent): string =>
  `${event.type === 'lifecycle' ? event.event : event.type} ${event.secret.uuid.at(-1)}`

/** A server that counts registrations from 40, and does as it is asked. */
async function listening(answers: ConstructorParameters<typeof StandIn>[0] = {}) {
  let ids = 40
  const server = new StandIn({
    connectSecretEventRegisterAny: () => ({ callbackId: ids++ }),
    secretDefineXml: () => ({ secret: handle(first) }),
    secretLookupByUuid: ({ uuid }) => ({ secret: handle(uuid) }),
    connectNumOfSecrets: () => ({ num: 0 }),
    ...answers,
  })
  const registry = await server.open({ keepalive: false })
  const lifecycle = (callbackId: number, uuid: string, event = 0): void =>
    server.message('secretEventLifecycle', { callbackId, secret: handle(uuid), event, detail: 0 })
  const changed = (callbackId: number, uuid: string): void =>
    server.message('secretEventValueChanged', { callbackId, secret: handle(uuid) })
  return { server, registry, lifecycle, changed }
}

test('a recorded daemon tells events of all secrets and of one', async () => {
  const registry = await openSecretRegistry(replayed('python-events'), {})
  const seen: string[] = []
  const all = await registry.on('lifecycle', {}, (event) => seen.push(`all ${told(event)}`))
  const values = await registry.on('value-changed', {}, (event) => seen.push(`all ${told(event)}`))
  const usage = "<usage type='tls'><name>py</name></usage></secret>"
  const secret = await registry.define({
    xml: `<secret ephemeral='yes'><uuid>${PY}</uuid>${usage}`,
  })
  const one = await registry.on('lifecycle', { uuid: PY }, (event) =>
    seen.push(`one ${told(event)}`),
  )
  await secret.setValue(Buffer.from('v'))
  await waitFor(() => seen.length === 2)
  await all.dispose()
  await secret.undefine()
  await waitFor(() => seen.length === 3)
  await values.dispose()
  await one.dispose()
  expect(seen).toEqual(['all defined 1', 'all value-changed 1', 'one undefined 1'])
})

test('those who listen for the same share one registration', async () => {
  const { server, registry, lifecycle, changed } = await listening()
  const seen: string[] = []
  const note = (who: string) => (event: SecretEvent) => seen.push(`${who} ${told(event)}`)
  const subscriptions = await Promise.all([
    registry.on('lifecycle', {}, note('a')),
    registry.on('lifecycle', {}, note('b')),
    registry.on('lifecycle', { uuid: first.toUpperCase() }, note('c')),
    registry.on('value-changed', {}, note('d')),
  ])
  expect(new Set(subscriptions.map(({ id }) => id)).size).toBe(4)
  const registered = server.calls.filter(({ key }) => key === 'connectSecretEventRegisterAny')
  expect(registered.map(({ args }) => args)).toEqual([
    { eventId: 0, secret: undefined },
    { eventId: 0, secret: { uuid: first, usageType: 0, usageId: '' } },
    { eventId: 1, secret: undefined },
  ])
  lifecycle(40, second)
  lifecycle(41, first, 1)
  lifecycle(40, first, 7) // of a newer server
  lifecycle(99, first) // nobody's
  changed(42, second)
  await waitFor(() => seen.length >= 4)
  expect(seen).toEqual(['a defined 2', 'b defined 2', 'c undefined 1', 'd value-changed 2'])

  const [a, b, c] = subscriptions
  await a?.dispose()
  await a?.dispose()
  expect(server.called).not.toContain('connectSecretEventDeregisterAny')
  lifecycle(40, second)
  await waitFor(() => seen.at(-1) === 'b defined 2')
  await b?.dispose()
  await c?.[Symbol.asyncDispose]()
  const ids = server.calls.filter(({ key }) => key === 'connectSecretEventDeregisterAny')
  expect(ids.map(({ args }) => args)).toEqual([{ callbackId: 40 }, { callbackId: 41 }])
  lifecycle(40, second) // on its way before it was forgotten
  changed(42, first)
  await waitFor(() => seen.at(-1) === 'd value-changed 1')
  expect(seen.length).toBe(6)
  await registry.close()
})

test('whoever listens anew waits until the server has forgotten', async () => {
  const { server, registry } = await listening({ connectSecretEventDeregisterAny: () => SILENCE })
  const subscription = await registry.on('lifecycle', {}, () => {})
  const left = subscription.dispose()
  const again = registry.on('lifecycle', {}, () => {})
  await registry.count()
  const registers = () => server.called.filter((key) => key === 'connectSecretEventRegisterAny')
  expect(registers().length).toBe(1)
  server.reply(
    'connectSecretEventDeregisterAny',
    undefined,
    server.serial('connectSecretEventDeregisterAny'),
  )
  await Promise.all([left, again])
  expect(registers().length).toBe(2)
  server.stream.destroy()
})

test('a refused registration is told to all who asked, and asked for again', async () => {
  const refusal = LIBVIRT_ERRORS.unsupportedEvent(0)
  const { server, registry } = await listening({ connectSecretEventRegisterAny: () => refusal })
  const asked = [registry.on('lifecycle', {}, () => {}), registry.on('lifecycle', {}, () => {})]
  for (const { status } of await Promise.allSettled(asked)) expect(status).toBe('rejected')
  server.answers.connectSecretEventRegisterAny = () => ({ callbackId: 5 })
  await registry.on('lifecycle', {}, () => {})
  await registry.close()
})

test('the result of a call comes before its events, in whatever order they are sent', async () => {
  const { server, registry, lifecycle, changed } = await listening({
    secretDefineXml: () => SILENCE,
  })
  const seen: string[] = []
  await registry.on('lifecycle', {}, (event) => seen.push(told(event)))
  await registry.on('value-changed', {}, (event) => seen.push(told(event)))
  const defined = registry.define({ xml: '<secret/>' }).then(() => seen.push('result'))
  await waitFor(() => server.called.includes('secretDefineXml'))
  lifecycle(40, first)
  changed(41, first)
  // A call that changes nothing does not hold events, nor is it held.
  await registry.count()
  expect(seen).toEqual([])
  server.reply('secretDefineXml', { secret: handle(first) }, server.serial('secretDefineXml'))
  lifecycle(40, second)
  await defined
  await waitFor(() => seen.length === 4)
  expect(seen).toEqual(['result', 'defined 1', 'value-changed 1', 'defined 2'])
  await registry.close()
})

test('a server that withholds a reply does not make events pile up', async () => {
  const { server, registry, lifecycle } = await listening({ secretDefineXml: () => SILENCE })
  let seen = 0
  await registry.on('lifecycle', {}, () => {
    seen += 1
  })
  const defined = registry.define({ xml: '<secret/>' })
  await waitFor(() => server.called.includes('secretDefineXml'))
  for (let sent = 0; sent < 2000; sent += 1) lifecycle(40, first)
  await waitFor(() => seen >= 976)
  expect(seen).toBe(2000 - 1024)
  server.reply('secretDefineXml', { secret: handle(first) }, server.serial('secretDefineXml'))
  await defined
  await waitFor(() => seen === 2000)
  await registry.close()
})

test.each([
  ['of another type', 40, 'secretEventValueChanged', second],
  ['of another secret', 41, 'secretEventLifecycle', second],
] as const)('an event %s than was asked for ends the connection', async (_, id, key, uuid) => {
  const { server, registry } = await listening()
  await registry.on('lifecycle', {}, () => {})
  await registry.on('lifecycle', { uuid: first }, () => {})
  const body = { callbackId: id, secret: handle(uuid), event: 0, detail: 0 }
  server.message(key, body)
  const { reason, error } = await registry.closed
  expect([reason, error.reason]).toEqual(['error', 'ANSWER_INVALID'])
})

test('events are iterated over in their order', async () => {
  const { server, registry, lifecycle, changed } = await listening()
  const controller = new AbortController()
  const events = registry.events({ signal: controller.signal })
  await events.ready
  lifecycle(40, first)
  changed(41, first)
  lifecycle(40, first, 1)
  const seen: string[] = []
  for await (const event of events) {
    seen.push(told(event))
    if (seen.length === 3) controller.abort()
  }
  expect(seen).toEqual(['defined 1', 'value-changed 1', 'undefined 1'])
  const forgotten = () => server.called.filter((key) => key === 'connectSecretEventDeregisterAny')
  await waitFor(() => forgotten().length === 2)
  expect(await events.next()).toEqual({ done: true, value: undefined })

  const some = registry.events({ uuid: first })
  await some.ready
  lifecycle(42, first)
  for await (const event of some) {
    expect(event.secret.uuid).toBe(first)
    break
  }
  await waitFor(() => forgotten().length === 4)
  await registry.close()
})

test('an iteration tells once how it ended', async () => {
  const { server, registry } = await listening()
  const [waiting, late, left] = [registry.events(), registry.events(), registry.events()]
  const next = Promise.allSettled([waiting.next(), waiting.next()])
  await Promise.all([waiting.ready, late.ready, left.ready])
  await left.return()
  server.stream.destroy()
  const [error, done] = await next
  expect(error).toMatchObject({
    status: 'rejected',
    reason: { code: 'ERR_LIBVIRT_CONNECTION_LOST' },
  })
  expect(done).toMatchObject({ status: 'fulfilled', value: { done: true } })
  await expect(late.next()).rejects.toMatchObject({ reason: 'CONNECTION_LOST' })
  expect(await late.next()).toMatchObject({ done: true })
  expect(await left.next()).toMatchObject({ done: true })
  const after = registry.events()
  await expect(after.next()).rejects.toMatchObject({ reason: 'CONNECTION_LOST' })
  await expect(after.ready).rejects.toMatchObject({ reason: 'CONNECTION_LOST' })
})

test('ceasing to listen is no matter once the connection ends', async () => {
  const { server, registry } = await listening({ connectNumOfSecrets: () => SILENCE })
  const subscriptions = [
    await registry.on('lifecycle', {}, () => {}),
    await registry.on('value-changed', {}, () => {}),
  ]
  const count = registry.count()
  const closed = registry.close()
  await subscriptions[0]?.dispose()
  await waitFor(() => server.called.includes('connectNumOfSecrets'))
  server.reply('connectNumOfSecrets', { num: 0 }, server.serial('connectNumOfSecrets'))
  await Promise.all([count, closed])
  await subscriptions[1]?.dispose()
  expect(server.called).not.toContain('connectSecretEventDeregisterAny')
})

test('an iteration ends when the registry is closed', async () => {
  const { registry } = await listening()
  const events = registry.events()
  await events.ready
  const next = events.next()
  await registry.close()
  expect(await next).toEqual({ done: true, value: undefined })
})

test('an iteration that nobody takes from is bounded', async () => {
  const { registry, lifecycle } = await listening()
  const events = registry.events()
  await events.ready
  for (let sent = 0; sent < 1025; sent += 1) lifecycle(40, first)
  let taken = 0
  const error = await (async () => {
    // Its reply comes after the events, which are told in a task that was due before.
    await registry.count()
    await new Promise((resolve) => setTimeout(resolve, 0))
    for await (const _ of events) taken += 1
    return undefined
  })().catch((error: unknown) => error)
  expect(taken).toBe(1024)
  expect(LibvirtConnectionError.is(error, 'EVENTS_OVERFLOW')).toBe(true)
  await registry.close()
})

test('what a callback throws is nobody else’s', async () => {
  const { registry, lifecycle } = await listening()
  const uncaught: unknown[] = []
  const before = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => uncaught.push(error))
  try {
    const fault = new Error('of a callback')
    let seen = 0
    await registry.on('lifecycle', {}, () => {
      throw fault
    })
    await registry.on('lifecycle', {}, () => {
      seen += 1
    })
    lifecycle(40, first)
    await waitFor(() => uncaught.length === 1)
    expect([uncaught, seen]).toEqual([[fault], 1])
    expect(await registry.count()).toBe(0)
  } finally {
    process.removeAllListeners('uncaughtException')
    for (const listener of before) process.on('uncaughtException', listener)
  }
  await registry.close()
})
