import {
  type ArgsOf,
  type Frame,
  FrameReader,
  LIBVIRT_CODES,
  LibvirtError,
  MESSAGES,
  type MessageKey,
  messageKey,
  PROCEDURES,
  type ProcedureKey,
  procedureKey,
  readBody,
  type TypedParam,
  writeCall,
  writeFrame,
  writeMessage,
  writeReply,
  type XdrType,
} from '@secreg/libvirt'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { uuidOf } from '../../src/secret/uuid.ts'
import { hexOf } from './recorded.ts'

const UUID = '11111111-1111-4111-8111-000000000005'
const SECRET = { uuid: UUID, usageType: 4, usageId: 'tls-demo' }

function frameOf(bytes: Uint8Array): Frame {
  const reader = new FrameReader()
  reader.push(bytes)
  const frame = reader.next()
  if (frame === undefined) throw new Error('no frame')
  return frame
}

const NUMBERS: Readonly<Record<ProcedureKey, number>> = {
  connectOpen: 1,
  connectClose: 2,
  connectGetType: 3,
  connectSupportsFeature: 60,
  authList: 66,
  authPolkit: 70,
  connectGetUri: 110,
  connectNumOfSecrets: 139,
  connectListSecrets: 140,
  secretLookupByUuid: 141,
  secretDefineXml: 142,
  secretGetXmlDesc: 143,
  secretSetValue: 144,
  secretGetValue: 145,
  secretUndefine: 146,
  secretLookupByUsage: 147,
  connectIsSecure: 149,
  connectGetLibVersion: 157,
  connectListAllSecrets: 287,
  connectRegisterCloseCallback: 360,
  connectUnregisterCloseCallback: 361,
  connectSecretEventRegisterAny: 380,
  connectSecretEventDeregisterAny: 381,
  connectSetIdentity: 419,
}

describe('the table', () => {
  test('has each procedure by its number', () => {
    expect(Object.keys(PROCEDURES).sort()).toEqual(Object.keys(NUMBERS).sort())
    for (const [key, number] of Object.entries(NUMBERS)) {
      const procedure = PROCEDURES[key as ProcedureKey]
      expect(procedure.number).toBe(number)
      expect(procedure.name.toLowerCase().replaceAll('_', '')).toBe(key.toLowerCase())
      expect(procedureKey(number)).toBe(key)
    }
    for (const other of [-1, 0, 4, 382, 9_999, Number.NaN]) {
      expect(procedureKey(other)).toBeUndefined()
    }
  })

  test('has each message by its number', () => {
    expect(Object.values(MESSAGES).map(({ number }) => number)).toEqual([362, 382, 383])
    for (const key of Object.keys(MESSAGES) as MessageKey[]) {
      expect(messageKey(MESSAGES[key].number)).toBe(key)
    }
    expect(messageKey(145)).toBeUndefined()
  })
})

describe('frames by procedure', () => {
  test('a reply as it is drawn in the protocol', () => {
    expect(hexOf(writeReply('secretLookupByUuid', { secret: SECRET }, 6))).toBe(
      '0000003c20008086000000010000008d000000010000000600000000' +
        '11111111111141118111000000000005' +
        '0000000400000008746c732d64656d6f',
    )
  })

  test('a call, a message', () => {
    expect(hexOf(writeCall('secretGetValue', { secret: SECRET, flags: 0 }, 0xffff_ffff))).toBe(
      '000000402000808600000001000000910000000' +
        '0ffffffff00000000' +
        '11111111111141118111000000000005' +
        '0000000400000008746c732d64656d6f' +
        '00000000',
    )
    expect(hexOf(writeMessage('connectEventConnectionClosed', { reason: 2 }))).toBe(
      '0000002020008086000000010000016a00000002000000010000000000000002',
    )
  })

  test('any word that is not zero is true', () => {
    const params = [{ field: 'x', type: 'boolean', value: true }] as const
    const { body } = frameOf(writeCall('connectSetIdentity', { params, flags: 0 }, 0))
    const place = body.length - 8
    expect([...body.subarray(place, place + 4)]).toEqual([0, 0, 0, 1])
    body.set([1, 0, 0, 0], place)
    expect(readBody(PROCEDURES.connectSetIdentity.args, body)).toEqual({ params, flags: 0 })
  })

  test('a parameter of a type that is not known is refused', () => {
    const params = [{ field: 'x', type: 'int', value: 0 }] as const
    const { body } = frameOf(writeCall('connectSetIdentity', { params, flags: 0 }, 0))
    for (const type of [0, 8]) {
      body[body.length - 9] = type
      expect(() => readBody(PROCEDURES.connectSetIdentity.args, body)).toThrow(LibvirtError)
    }
  })

  test('an absent name is not an empty one', () => {
    const bodies = [undefined, ''].map((name) =>
      frameOf(writeCall('connectOpen', { name, flags: 1 }, 0)),
    )
    expect(bodies.map(({ body }) => hexOf(body))).toEqual([
      '0000000000000001',
      '000000010000000000000001',
    ])
  })

  test.each<[string, () => unknown]>([
    ['uuid not canonical', () => writeCall('secretLookupByUuid', { uuid: UUID.slice(1) }, 0)],
    ['flags negative', () => writeCall('secretGetValue', { secret: SECRET, flags: -1 }, 0)],
    ['serial of 33 bits', () => writeCall('authList', undefined, 2 ** 32)],
    [
      'usage type of 33 bits',
      () => writeCall('secretLookupByUsage', { usageType: 2 ** 31, usageId: '' }, 0),
    ],
  ])('%s is a RangeError', (_, write) => {
    expect(write).toThrow(RangeError)
  })

  test.each<[string, () => unknown]>([
    ['no arguments', () => writeCall('connectOpen', undefined as never, 0)],
    ['null for a struct', () => writeCall('secretUndefine', { secret: null as never }, 0)],
    ['no field', () => writeCall('secretDefineXml', { flags: 0 } as never, 0)],
    ['text for a list', () => writeReply('authList', { types: 'x' as never }, 0)],
    ['text for a value', () => writeReply('secretGetValue', { value: 'x' as never }, 0)],
    [
      'another type of a parameter',
      () =>
        writeCall(
          'connectSetIdentity',
          { params: [{ field: 'x', type: 'toString', value: 1 } as never], flags: 0 },
          0,
        ),
    ],
  ])('%s is a TypeError', (_, write) => {
    expect(write).toThrow(TypeError)
  })

  test('no message tells a value', () => {
    const value = new TextEncoder().encode('hunter2'.repeat(9_363))
    try {
      writeReply('secretGetValue', { value: new Uint8Array([...value, 1]) }, 0)
      expect.unreachable()
    } catch (error) {
      expect(String(error)).not.toContain('hunter')
      expect(LibvirtError.is(error, LIBVIRT_CODES.RPC)).toBe(true)
    }
  })
})

describe('limits', () => {
  const fits = (write: () => Uint8Array): boolean => {
    try {
      return write().length > 0
    } catch (error) {
      if (LibvirtError.is(error, LIBVIRT_CODES.RPC)) return false
      throw error
    }
  }
  const reads = <T>(type: XdrType<T>, body: Uint8Array): boolean => {
    try {
      readBody(type, body)
      return true
    } catch (error) {
      if (LibvirtError.is(error, LIBVIRT_CODES.RPC)) return false
      throw error
    }
  }
  const withCount = (count: number, itemBytes: number, before = 0, after = 0): Uint8Array => {
    const body = new Uint8Array(before + 4 + Math.ceil((count * itemBytes) / 4) * 4 + after)
    new DataView(body.buffer).setUint32(before, count)
    return body
  }

  test('a value of 65,536 bytes', () => {
    for (const [length, wanted] of [
      [0, true],
      [65_536, true],
      [65_537, false],
    ] as const) {
      const value = new Uint8Array(length)
      expect(fits(() => writeReply('secretGetValue', { value }, 0))).toBe(wanted)
      expect(fits(() => writeCall('secretSetValue', { secret: SECRET, value, flags: 0 }, 0))).toBe(
        wanted,
      )
      expect(reads(PROCEDURES.secretGetValue.result, withCount(length, 1))).toBe(wanted)
    }
  })

  test('a text of 4 MiB', () => {
    for (const [length, wanted] of [
      [4_194_304, true],
      [4_194_305, false],
    ] as const) {
      const text = 'x'.repeat(length)
      expect(fits(() => writeCall('secretDefineXml', { xml: text, flags: 0 }, 0))).toBe(wanted)
      const body = withCount(length, 1, 0, 4).fill(0x20, 4)
      expect(reads(PROCEDURES.secretDefineXml.args, body)).toBe(wanted)
    }
  })

  test('16,384 secrets', () => {
    const none = { uuid: UUID, usageType: 0, usageId: '' }
    for (const [count, wanted] of [
      [16_384, true],
      [16_385, false],
    ] as const) {
      const secrets = Array.from({ length: count }, () => none)
      const uuids = Array.from({ length: count }, () => UUID)
      expect(fits(() => writeReply('connectListAllSecrets', { secrets, ret: count }, 0))).toBe(
        wanted,
      )
      expect(fits(() => writeReply('connectListSecrets', { uuids }, 0))).toBe(wanted)
      expect(reads(PROCEDURES.connectListAllSecrets.result, withCount(count, 24, 0, 4))).toBe(
        wanted,
      )
      expect(reads(PROCEDURES.connectListSecrets.result, withCount(count, 4))).toBe(wanted)
    }
  })

  test('20 kinds of authentication, 20 parameters', () => {
    const param: TypedParam = { field: '', type: 'int', value: 0 }
    for (const [count, wanted] of [
      [20, true],
      [21, false],
    ] as const) {
      expect(fits(() => writeReply('authList', { types: Array(count).fill(0) }, 0))).toBe(wanted)
      expect(reads(PROCEDURES.authList.result, withCount(count, 4))).toBe(wanted)
      const args = { params: Array(count).fill(param), flags: 0 }
      expect(fits(() => writeCall('connectSetIdentity', args, 0))).toBe(wanted)
      const body = withCount(count, 12, 0, 4)
      const view = new DataView(body.buffer)
      for (let at = 0; at < count; at++) view.setUint32(4 + 12 * at + 4, 1)
      expect(reads(PROCEDURES.connectSetIdentity.args, body)).toBe(wanted)
    }
  })

  test('a reply of more than 32 MiB', () => {
    const long = { uuid: UUID, usageType: 1, usageId: 'x'.repeat(4_194_304) }
    const listing = (count: number) => () =>
      writeReply('connectListAllSecrets', { secrets: Array(count).fill(long), ret: count }, 0)
    expect(fits(listing(7))).toBe(true)
    expect(fits(listing(8))).toBe(false)
  })

  test('what a count announces is not made', () => {
    const before = process.memoryUsage().heapUsed
    for (let round = 0; round < 1_000; round++) {
      expect(reads(PROCEDURES.connectListAllSecrets.result, withCount(16_384, 0))).toBe(false)
    }
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1_048_576)
  })
})

describe('properties', () => {
  const text = fc
    .string({ unit: 'binary', maxLength: 30 })
    .filter((value) => !/\p{Surrogate}|\0/u.test(value))
  const uuid = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(uuidOf)
  const int = fc.integer()
  const uint = fc.nat(0xffff_ffff)
  const secret = fc.record({ uuid, usageType: int, usageId: text })
  const nothing = fc.constant(undefined)
  const value = fc.uint8Array({ maxLength: 300 })
  const typed = fc.oneof(
    fc.record({ type: fc.constant('int'), value: int }),
    fc.record({ type: fc.constant('uint'), value: uint }),
    fc.record({
      type: fc.constant('llong'),
      value: fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
    }),
    fc.record({
      type: fc.constant('ullong'),
      value: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    }),
    fc.record({ type: fc.constant('double'), value: fc.double() }),
    fc.record({ type: fc.constant('boolean'), value: fc.boolean() }),
    fc.record({ type: fc.constant('string'), value: text }),
  )
  const param = fc.tuple(text, typed).map(([field, rest]) => ({ field, ...rest }) as TypedParam)

  const ARGUMENTS: { readonly [K in ProcedureKey]: fc.Arbitrary<ArgsOf<K>> } = {
    connectOpen: fc.record({ name: fc.option(text, { nil: undefined }), flags: uint }),
    connectClose: nothing,
    connectGetType: nothing,
    connectSupportsFeature: fc.record({ feature: int }),
    authList: nothing,
    authPolkit: nothing,
    connectGetUri: nothing,
    connectNumOfSecrets: nothing,
    connectListSecrets: fc.record({ maxuuids: int }),
    secretLookupByUuid: fc.record({ uuid }),
    secretDefineXml: fc.record({ xml: text, flags: uint }),
    secretGetXmlDesc: fc.record({ secret, flags: uint }),
    secretSetValue: fc.record({ secret, value, flags: uint }),
    secretGetValue: fc.record({ secret, flags: uint }),
    secretUndefine: fc.record({ secret }),
    secretLookupByUsage: fc.record({ usageType: int, usageId: text }),
    connectIsSecure: nothing,
    connectGetLibVersion: nothing,
    connectListAllSecrets: fc.record({ needResults: int, flags: uint }),
    connectRegisterCloseCallback: nothing,
    connectUnregisterCloseCallback: nothing,
    connectSecretEventRegisterAny: fc.record({
      eventId: int,
      secret: fc.option(secret, { nil: undefined }),
    }),
    connectSecretEventDeregisterAny: fc.record({ callbackId: int }),
    connectSetIdentity: fc.record({ params: fc.array(param, { maxLength: 20 }), flags: uint }),
  }

  test.each(Object.keys(ARGUMENTS) as ProcedureKey[])('arguments of %s are read again', (key) => {
    fc.assert(
      fc.property(ARGUMENTS[key] as fc.Arbitrary<never>, uint, (args, serial) => {
        const frame = frameOf(writeCall(key, args, serial))
        expect(frame).toMatchObject({ procedure: NUMBERS[key], type: 0, serial, status: 0 })
        expect(readBody(PROCEDURES[key].args as XdrType<unknown>, frame.body)).toEqual(args)
      }),
      { numRuns: 50 },
    )
  })

  test('results and messages are read again', () => {
    fc.assert(
      fc.property(
        fc.array(secret, { maxLength: 5 }),
        int,
        uint,
        value,
        text,
        (secrets, id, ret, bytes, words) => {
          const replies: [ProcedureKey, unknown][] = [
            ['connectGetType', { type: words }],
            ['authList', { types: [id] }],
            ['connectGetUri', { uri: words }],
            ['connectListSecrets', { uuids: secrets.map((one) => one.uuid) }],
            ['connectListAllSecrets', { secrets, ret }],
            ['connectGetLibVersion', { libVersion: BigInt(ret) }],
            ['secretGetValue', { value: bytes }],
            ['secretGetXmlDesc', { xml: words }],
            ['connectSecretEventRegisterAny', { callbackId: id }],
            ['connectClose', undefined],
          ]
          for (const [key, result] of replies) {
            const { body, procedure, type } = frameOf(writeReply(key, result as never, ret))
            expect([procedure, type]).toEqual([NUMBERS[key], 1])
            expect(readBody(PROCEDURES[key].result as XdrType<unknown>, body)).toEqual(result)
          }
          for (const one of secrets) {
            const event = { callbackId: id, secret: one, event: 1, detail: 0 }
            const { body, type } = frameOf(writeMessage('secretEventLifecycle', event))
            expect(type).toBe(2)
            expect(readBody(MESSAGES.secretEventLifecycle.body, body)).toEqual(event)
          }
        },
      ),
    )
  })

  test('any bytes: a value that can be written, or an own error', () => {
    const types = [
      ...Object.values(PROCEDURES).flatMap(({ args, result }) => [args, result]),
      ...Object.values(MESSAGES).map(({ body }) => body),
    ] as XdrType<unknown>[]
    const word = fc.oneof(
      fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 7, 16, 20, 21, 0x0100_0000, 16_385, 0xffff_ffff),
      uint,
    )
    const words = fc.array(word, { maxLength: 24 }).map((values) => {
      const bytes = new Uint8Array(4 * values.length)
      for (const [at, one] of values.entries()) new DataView(bytes.buffer).setUint32(4 * at, one)
      return bytes
    })
    let read = 0
    fc.assert(
      fc.property(fc.oneof(words, fc.uint8Array({ maxLength: 100 })), (bytes) => {
        for (const type of types) {
          let found: unknown
          try {
            found = readBody(type, bytes)
          } catch (error) {
            if (!LibvirtError.is(error, LIBVIRT_CODES.RPC)) throw error
            continue
          }
          read++
          const header = { program: 0, version: 0, procedure: 0, type: 0, serial: 0, status: 0 }
          expect(readBody(type, frameOf(writeFrame(header, type, found)).body)).toEqual(found)
        }
      }),
      { numRuns: 500 },
    )
    expect(read).toBeGreaterThan(1_000)
  })
})
