import { describe, expect, it } from 'vitest'
import { readBody } from '../../src/wire/frame.ts'
import { MESSAGES } from '../../src/wire/procedures.ts'
import { A, B, Client, handle, xmlOf } from './client.ts'
import { settled } from './memory-connection.ts'

describe('events', () => {
  it('follow the reply of the call that causes them', async () => {
    const client = new Client()
    await client.open()
    await client.call('connectSecretEventRegisterAny', { eventId: 0, secret: undefined })
    await client.call('connectSecretEventRegisterAny', { eventId: 1, secret: undefined })
    client.news()
    client.send('secretDefineXml', { xml: xmlOf(A), flags: 0 })
    client.send('secretSetValue', { secret: handle(A), value: Uint8Array.of(1), flags: 0 })
    client.send('secretUndefine', { secret: handle(A) })
    await settled()
    expect(client.story()).toEqual([
      'reply 3',
      'message 382',
      'reply 4',
      'message 383',
      'reply 5',
      'message 382',
    ])
  })

  it('tell the callback, the secret and what happened', async () => {
    const client = new Client()
    await client.open()
    await client.call('connectSecretEventRegisterAny', { eventId: 1, secret: undefined })
    await client.call('connectSecretEventRegisterAny', { eventId: 0, secret: undefined })
    const xml = xmlOf(A, '<usage type="tls"><name>n</name></usage>')
    await client.call('secretDefineXml', { xml, flags: 0 })
    await client.call('secretUndefine', { secret: handle(A) })
    const bodies = client
      .news()
      .filter(({ type }) => type === 2)
      .map(({ body }) => readBody(MESSAGES.secretEventLifecycle.body, body))
    const secret = { uuid: A, usageType: 4, usageId: 'n' }
    expect(bodies).toEqual([
      { callbackId: 1, secret, event: 0, detail: 0 },
      { callbackId: 1, secret, event: 1, detail: 0 },
    ])
  })

  it('of one secret are filtered by its UUID alone, whether it exists or not', async () => {
    const client = new Client()
    await client.open()
    const secret = { uuid: B, usageType: 4, usageId: 'something else' }
    await client.call('connectSecretEventRegisterAny', { eventId: 0, secret })
    const other = client.secrets.port()
    client.news()
    const usage = { type: 'none', id: '' } as const
    await other.define({ uuid: A, usage, ephemeral: false, private: false })
    expect(client.story()).toEqual([])
    await other.define({ uuid: B, usage, ephemeral: false, private: false })
    await other.undefine(B)
    await other.define({ uuid: B, usage, ephemeral: false, private: false })
    expect(client.story()).toEqual(['message 382', 'message 382', 'message 382'])
  })

  it('are told once for each callback, whose numbers count for each connection', async () => {
    const client = new Client()
    await client.open()
    const register = async (eventId: number, uuid?: string): Promise<number> =>
      (
        await client.call('connectSecretEventRegisterAny', {
          eventId,
          secret: uuid === undefined ? undefined : handle(uuid),
        })
      ).callbackId
    expect([await register(0), await register(0, A), await register(1, A)]).toEqual([0, 1, 2])
    client.news()
    await client.call('secretDefineXml', { xml: xmlOf(A), flags: 0 })
    expect(client.story().slice(1)).toEqual(['message 382', 'message 382'])
  })

  it('are registered once, and known by their number', async () => {
    const client = new Client()
    await client.open()
    for (const secret of [undefined, handle(A)]) {
      expect(await client.refusal('connectSecretEventRegisterAny', { eventId: 0, secret })).toBe(
        'OK',
      )
      expect(await client.refusal('connectSecretEventRegisterAny', { eventId: 0, secret })).toBe(
        '8/0 invalid argument: event callback already tracked',
      )
    }
    expect(
      await client.refusal('connectSecretEventRegisterAny', { eventId: 2, secret: undefined }),
    ).toBe('1/7 internal error: unsupported secret event ID 2')
    expect(await client.refusal('connectSecretEventDeregisterAny', { callbackId: 2 })).toBe(
      '1/7 internal error: secret event callback 2 not registered',
    )
  })

  it('are for so many callbacks, and for others when one is given back', async () => {
    const client = new Client({ maxCallbacks: 2 })
    await client.open()
    const register = (uuid: string): Promise<string> =>
      client.refusal('connectSecretEventRegisterAny', { eventId: 0, secret: handle(uuid) })
    expect(await register(A)).toBe('OK')
    expect(await register(B)).toBe('OK')
    const third = '11111111-1111-4111-8111-000000000003'
    expect(await register(third)).toBe('9/30 operation failed: too many event callbacks')
    await client.call('connectSecretEventDeregisterAny', { callbackId: 0 })
    expect(await register(third)).toBe('OK')
  })

  it('that cannot be told end the connection, and are no fault of the port', async () => {
    const client = new Client()
    await client.open()
    await client.call('connectSecretEventRegisterAny', { eventId: 0, secret: undefined })
    const usage = { type: 'tls', id: 'a\0b' } as const
    await client.secrets.port().define({ uuid: A, usage, ephemeral: false, private: false })
    await client.served.closed
    expect(client.story()).toHaveLength(1)
  })

  it('end with their registration, and the port is watched no longer', async () => {
    const client = new Client()
    await client.open()
    await client.call('connectSecretEventRegisterAny', { eventId: 0, secret: undefined })
    await client.call('connectSecretEventRegisterAny', { eventId: 1, secret: undefined })
    expect(client.secrets.watching).toBe(1)
    await client.call('connectSecretEventDeregisterAny', { callbackId: 0 })
    expect(client.secrets.watching).toBe(1)
    await client.call('connectSecretEventDeregisterAny', { callbackId: 1 })
    expect(client.secrets.watching).toBe(0)
    client.news()
    await client.call('secretDefineXml', { xml: xmlOf(A), flags: 0 })
    expect(client.story()).toHaveLength(1)
  })

  it('end with the connection, also when it ends while the port begins to watch', async () => {
    const client = new Client()
    await client.open()
    await client.call('connectSecretEventRegisterAny', { eventId: 0, secret: undefined })
    client.connection.destroy()
    await client.served.closed
    expect(client.secrets.watching).toBe(0)

    let watch: (unwatch: () => void) => void = () => {}
    let unwatched = 0
    const slow = new Client({
      portOf: () => ({
        ...slow.secrets.port(),
        watch: () => new Promise((resolve) => (watch = resolve)),
      }),
    })
    await slow.open()
    slow.send('connectSecretEventRegisterAny', { eventId: 0, secret: undefined })
    await settled()
    slow.connection.destroy()
    await slow.served.closed
    watch(() => unwatched++)
    await settled()
    expect(unwatched).toBe(1)
  })

  it('that will not be told end the connection', async () => {
    const client = new Client()
    await client.open()
    await client.call('connectSecretEventRegisterAny', { eventId: 0, secret: undefined })
    client.secrets.endWatches()
    expect(client.connection.isDestroyed).toBe(true)
  })

  it('of a read-only connection are told too', async () => {
    const client = new Client({ readOnly: true })
    await client.open()
    await client.call('connectSecretEventRegisterAny', { eventId: 1, secret: undefined })
    client.secrets.put({
      uuid: A,
      usage: { type: 'none', id: '' },
      ephemeral: false,
      private: false,
    })
    client.news()
    await client.secrets.port().setValue(A, Uint8Array.of(1))
    expect(client.story()).toEqual(['message 383'])
  })
})
