import type { SecretsPort, ServedCall } from '@secreg/libvirt/server'
import { describe, expect, it } from 'vitest'
import { LIBVIRT_ERRORS } from '../../src/wire/errors.ts'
import { LibvirtError } from '../../src/wire/libvirt-error.ts'
import { writeCall } from '../../src/wire/remote-frames.ts'
import { A, B, Client, handle, xmlOf } from './client.ts'
import { settled } from './memory-connection.ts'

/** A port whose lists are let go one by one. */
function held(client: () => Client): {
  port: () => SecretsPort
  begun: () => number
  release: (at: number) => void
} {
  const waiting: (() => void)[] = []
  return {
    port: () => ({
      ...client().secrets.port(),
      list: async () => {
        await new Promise<void>((resolve) => waiting.push(resolve))
        return []
      },
    }),
    begun: () => waiting.length,
    release: (at) => waiting[at]?.(),
  }
}

describe('serveLibvirt', () => {
  it('answers in the order of the calls, whatever is ready first', async () => {
    const lists = held(() => client)
    const client = new Client({ portOf: lists.port })
    await client.open()
    client.send('connectNumOfSecrets', undefined)
    client.send('connectGetUri', undefined)
    client.send('connectNumOfSecrets', undefined)
    client.sendRaw({ procedure: 9_999, serial: 4 })
    await settled()
    expect(client.story()).toEqual([])
    lists.release(1)
    await settled()
    expect(client.story()).toEqual([])
    lists.release(0)
    await settled()
    expect(client.story()).toEqual([
      'reply 1',
      'reply 2',
      'reply 3',
      'error 4: 39/7 unknown procedure: 9999',
    ])
  })

  it('works on 5 calls at most, and reads nothing meanwhile', async () => {
    const lists = held(() => client)
    const client = new Client({ portOf: lists.port })
    await client.open()
    for (let call = 0; call < 20; call++) client.send('connectNumOfSecrets', undefined)
    await settled()
    expect(lists.begun()).toBe(5)
    expect(client.connection.isPaused).toBe(true)
    expect(client.connection.unread).toHaveLength(15)
    lists.release(0)
    await settled()
    expect(lists.begun()).toBe(6)
    for (let at = 1; at < 20; at++) {
      lists.release(at)
      await settled()
    }
    expect(client.story()).toHaveLength(20)
    expect(client.connection.isPaused).toBe(false)
  })

  it('works on what changes something alone, in its turn', async () => {
    const client = new Client()
    await client.open()
    client.send('secretDefineXml', { xml: xmlOf(A), flags: 0 })
    client.send('secretSetValue', { secret: handle(A), value: Uint8Array.of(1), flags: 0 })
    client.send('secretGetValue', { secret: handle(A), flags: 0 })
    client.send('secretUndefine', { secret: handle(A) })
    client.send('secretLookupByUuid', { uuid: A })
    await settled()
    expect(client.story()).toEqual([
      'reply 1',
      'reply 2',
      'reply 3',
      'reply 4',
      `error 5: 66/30 Secret not found: no secret with matching uuid '${A}'`,
    ])
  })

  it('calls before OPEN are refused, and what follows an OPEN waits for it', async () => {
    const client = new Client()
    expect(await client.refusal('connectNumOfSecrets', undefined)).toBe(
      '1/7 internal error: connection not open',
    )
    for (const key of [
      'connectGetUri',
      'connectGetType',
      'connectGetLibVersion',
      'connectIsSecure',
      'connectRegisterCloseCallback',
      'connectUnregisterCloseCallback',
    ] as const) {
      expect(await client.refusal(key, undefined)).toBe(
        '1/7 internal error: hypervisor connection not open',
      )
    }
    client.news()
    client.connection.arrive(
      Buffer.concat([
        writeCall('connectOpen', { name: undefined, flags: 0 }, 50),
        writeCall('connectNumOfSecrets', undefined, 51),
        writeCall('secretDefineXml', { xml: xmlOf(A, ' '.repeat(5_000)), flags: 0 }, 52),
      ]),
    )
    await settled()
    expect(client.story()).toEqual(['reply 50', 'reply 51', 'reply 52'])
  })

  it.each([
    ['secret:///system', 'OK'],
    ['secret:///session', 'OK'],
    ['secret:///system?foo=bar', 'OK'],
    ['', 'OK'],
    ['qemu:///system', '5/0 no connection driver available for qemu:///system'],
    ['secret:///', '5/0 no connection driver available for secret:///'],
    ['secret:///systems', '5/0 no connection driver available for secret:///systems'],
  ])('opens %s: %s', async (name, expected) => {
    const client = new Client()
    expect(await client.refusal('connectOpen', { name, flags: 0 })).toBe(expected)
    if (expected !== 'OK') return
    expect(await client.call('connectGetUri', undefined)).toEqual({
      uri: name === '' ? 'secret:///system' : name,
    })
  })

  it('refuses a second OPEN, which changes nothing', async () => {
    const client = new Client()
    await client.open(1)
    expect(await client.refusal('connectOpen', { name: undefined, flags: 0 })).toBe(
      '1/7 internal error: connection already open',
    )
    expect(await client.refusal('secretUndefine', { secret: handle(A) })).toMatch(/^29\/30 /)
  })

  it('asks for the port once, when the connection is opened', async () => {
    let asked = 0
    const client = new Client({
      portOf: async () => {
        asked++
        if (asked === 1) throw LIBVIRT_ERRORS.accessDenied()
        return client.secrets.port()
      },
    })
    await client.call('authList', undefined)
    await client.refusal('connectNumOfSecrets', undefined)
    expect(asked).toBe(0)
    const open = { name: undefined, flags: 0 }
    expect(await client.refusal('connectOpen', open)).toMatch(/^88\/55 /)
    expect(await client.refusal('connectNumOfSecrets', undefined)).toMatch(/not open$/)
    await client.call('connectOpen', open)
    await client.call('connectNumOfSecrets', undefined)
    await client.call('connectNumOfSecrets', undefined)
    expect(asked).toBe(2)
  })

  it('refuses polkit and SASL', async () => {
    const client = new Client()
    expect(await client.call('authList', undefined)).toEqual({ types: [0] })
    expect(await client.refusal('authPolkit', undefined)).toMatch(/^45\/60 /)
    client.news()
    for (const procedure of [67, 68, 69]) client.sendRaw({ procedure, serial: procedure })
    await settled()
    expect(client.story().map((line) => line.slice(0, 16))).toEqual([
      'error 67: 45/7 a',
      'error 68: 45/7 a',
      'error 69: 45/7 a',
    ])
  })

  it.each([
    [true, 0],
    [false, 1],
  ])(
    'a read-only connection changes and tells nothing: socket %s, flags %d',
    async (readOnly, flags) => {
      const client = new Client({ readOnly })
      await client.open(flags)
      const secret = handle(A)
      const value = Uint8Array.of(1)
      // Before anything else that may be wrong with the call.
      expect(await client.refusal('secretDefineXml', { xml: '<', flags: 8 })).toBe(
        '29/30 operation forbidden: read only access prevents virSecretDefineXML',
      )
      expect(await client.refusal('secretSetValue', { secret, value, flags: 8 })).toMatch(
        /^29\/30 /,
      )
      expect(await client.refusal('secretGetValue', { secret, flags: 8 })).toMatch(/^29\/30 /)
      expect(await client.refusal('secretUndefine', { secret })).toMatch(/^29\/30 /)
      expect(await client.refusal('secretGetXmlDesc', { secret, flags: 0 })).toMatch(/^66\/30 /)
      expect(await client.call('connectNumOfSecrets', undefined)).toEqual({ num: 0 })
    },
  )

  it('checks flags before it asks the port', async () => {
    const client = new Client()
    await client.open()
    const secret = handle(B)
    const value = Uint8Array.of(1)
    expect(await client.refusal('secretGetXmlDesc', { secret, flags: 1 })).toMatch(/^8\/30 /)
    expect(await client.refusal('secretGetValue', { secret, flags: 1 })).toMatch(/^8\/30 /)
    expect(await client.refusal('secretSetValue', { secret, value, flags: 1 })).toMatch(/^8\/30 /)
    expect(await client.refusal('secretDefineXml', { xml: '<', flags: 2 })).toMatch(/^8\/30 /)
    expect(
      await client.refusal('connectListAllSecrets', { needResults: 1, flags: 0x8000_0000 }),
    ).toBe('8/30 unsupported flags (0x80000000) in function secretConnectListAllSecrets')
  })

  it('answers at most what a list holds', async () => {
    const client = new Client()
    await client.open()
    const usage = { type: 'none', id: '' } as const
    for (let number = 0; number <= 16_384; number++) {
      const uuid = `99999999-9999-4999-8999-${number.toString(16).padStart(12, '0')}`
      client.secrets.put({ uuid, usage, ephemeral: number > 0, private: false })
    }
    for (const needResults of [0, 1]) {
      expect(await client.refusal('connectListAllSecrets', { needResults, flags: 0 })).toBe(
        "1/7 internal error: Too many secrets '16385' for limit '16384'",
      )
    }
    const { secrets, ret } = await client.call('connectListAllSecrets', {
      needResults: 1,
      flags: 1,
    })
    expect([secrets.length, ret]).toEqual([16_384, 16_384])
    const { uuids } = await client.call('connectListSecrets', { maxuuids: 16_384 })
    expect(uuids).toHaveLength(16_384)
    expect(await client.call('connectNumOfSecrets', undefined)).toEqual({ num: 16_385 })
  })

  it('takes what a client says of itself, and lets it change nothing', async () => {
    const client = new Client()
    await client.open()
    client.secrets.put({
      uuid: A,
      usage: { type: 'none', id: '' },
      ephemeral: false,
      private: true,
    })
    await client.call('secretSetValue', { secret: handle(A), value: Uint8Array.of(1), flags: 0 })
    const token = { field: 'system.token', type: 'string', value: 'x' } as const
    expect(await client.refusal('connectSetIdentity', { params: [token], flags: 0 })).toBe('OK')
    expect(await client.refusal('secretGetValue', { secret: handle(A), flags: 0 })).toMatch(
      /^65\/30 /,
    )
    const wrong = { field: 'system.token', type: 'int', value: 1 } as const
    expect(await client.refusal('connectSetIdentity', { params: [wrong], flags: 0 })).toMatch(
      /^74\/0 /,
    )
  })

  it('tells nothing of what a port throws that is no error of libvirt', async () => {
    const calls: ServedCall[] = []
    const cause = new Error('the path of something')
    const client = new Client({
      onCall: (call) => calls.push(call),
      portOf: () => ({ ...client.secrets.port(), list: () => Promise.reject(cause) }),
    })
    await client.open()
    expect(await client.refusal('connectNumOfSecrets', undefined)).toBe(
      '9/30 operation failed: the call could not be served',
    )
    expect(calls[1]).toMatchObject({ procedure: 139, name: 'CONNECT_NUM_OF_SECRETS', cause })
    expect(LibvirtError.is(calls[1]?.error, 9)).toBe(true)
    expect(calls[0]).toMatchObject({ procedure: 1, name: 'CONNECT_OPEN' })
    expect(calls[0]).not.toHaveProperty('error')
  })

  it('wipes values: of the call, of the port, and of the reply once it has left', async () => {
    const value = new TextEncoder().encode('a value that is secret')
    let given: Uint8Array | undefined
    let returned: Uint8Array | undefined
    const client = new Client({
      portOf: () => ({
        ...client.secrets.port(),
        setValue: async (_, bytes) => {
          given = bytes
          expect(bytes).toEqual(value)
        },
        getValue: async () => {
          returned = value.slice()
          return returned
        },
      }),
    })
    await client.open()
    await client.call('secretSetValue', { secret: handle(A), value, flags: 0 })
    expect(given).toEqual(new Uint8Array(value.length))
    const reply = await client.call('secretGetValue', { secret: handle(A), flags: 0 })
    expect(reply.value).toEqual(value)
    expect(returned).toEqual(new Uint8Array(value.length))
    const left = client.connection.memory.at(-1) ?? new Uint8Array(1)
    expect(left.every((byte) => byte === 0)).toBe(true)
  })

  it('ends behind the reply to CLOSE, and answers nothing after', async () => {
    const client = new Client()
    await client.open()
    client.send('connectNumOfSecrets', undefined)
    client.send('connectClose', undefined)
    client.send('connectNumOfSecrets', undefined)
    await client.served.closed
    expect(client.story()).toEqual(['reply 1', 'reply 2'])
    expect(client.timers.size).toBe(0)
  })

  it('finishes what is in work', async () => {
    const lists = held(() => client)
    const client = new Client({ portOf: lists.port })
    await client.open()
    client.send('connectNumOfSecrets', undefined)
    await settled()
    client.served.finish()
    client.send('connectNumOfSecrets', undefined)
    await settled()
    expect(client.connection.isEnding).toBe(false)
    lists.release(0)
    await client.served.closed
    expect(client.story()).toEqual(['reply 1'])
  })

  it('ends when the peer has, behind what it asked', async () => {
    const client = new Client()
    await client.open()
    client.send('connectNumOfSecrets', undefined)
    client.connection.leave()
    await client.served.closed
    expect(client.story()).toEqual(['reply 1'])
  })

  it.each([
    [{ portOf: 1 }, TypeError],
    [{ readOnly: 'no' }, TypeError],
    [{ maxFrameBytes: 27 }, RangeError],
    [{ maxUnopenedFrameBytes: 33_554_437 }, RangeError],
    [{ maxCallsInWork: 0 }, RangeError],
    [{ maxCallbacks: -1 }, RangeError],
    [{ maxWaitingEvents: -1 }, RangeError],
    [{ openTimeoutMs: 2 ** 31 }, RangeError],
    [{ stallTimeoutMs: '1' }, TypeError],
    [{ keepaliveIntervalMs: Number.NaN }, RangeError],
    [{ keepaliveCount: 1.5 }, RangeError],
    [{ versionNumber: -1 }, RangeError],
  ])('refuses wrong options %o', (wrong, expected) => {
    expect(() => new Client(wrong as object)).toThrow(expected)
  })
})
