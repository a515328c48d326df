import {
  ERROR,
  ERROR_STRUCT,
  FRAME_STATUS,
  FRAME_TYPES,
  type Frame,
  FrameReader,
  LIBVIRT_CODES,
  LIBVIRT_DOMAINS,
  LIBVIRT_ERRORS,
  LibvirtError,
  readBody,
  writeError,
  writeFrame,
} from '@secreg/libvirt'
import { describe, expect, test } from 'vitest'
import { hexOf, recordedFrames } from './recorded.ts'

const E = LIBVIRT_ERRORS
const UUID = '11111111-1111-4111-8111-00000000000'
const OTHER_UUIDS = [
  '22222222-2222-4222-8222-222222222222',
  '55555555-5555-4555-8555-000000000001',
  '66666666-6666-4666-8666-000000000001',
]
const API_DOMAINS: Readonly<Record<string, number>> = {
  virConnectListAllStoragePools: LIBVIRT_DOMAINS.STORAGE,
  virConnectNumOfStoragePools: LIBVIRT_DOMAINS.STORAGE,
  virStoragePoolLookupByName: LIBVIRT_DOMAINS.STORAGE,
  virConnectListAllNetworks: LIBVIRT_DOMAINS.NETWORK,
  virConnectNumOfNetworks: LIBVIRT_DOMAINS.NETWORK,
}

/** Every error of the table that was recorded. */
const MADE: readonly LibvirtError[] = [
  ...[`${UUID}3`, ...OTHER_UUIDS].map((uuid) => E.noSecret(uuid)),
  E.noValue(`${UUID}1`),
  E.noValue(`${UUID}6`),
  ...['nope', '', 'x', '/y', 'client.demo secret'].map((id) => E.noSecretUsage(id)),
  E.isPrivate(),
  E.accessDenied(),
  E.readOnly('virSecretDefineXML'),
  E.readOnly('virSecretSetValue'),
  E.readOnly('virSecretGetValue'),
  E.readOnly('virSecretUndefine'),
  E.duplicateUsage(`${UUID}3`, 'client.demo secret'),
  E.duplicateUsage('55555555-5555-4555-8555-000000000001', 'py'),
  E.usageChanged(`${UUID}1`, undefined),
  E.usageChanged(`${UUID}3`, 'client.demo secret'),
  E.privateCleared(),
  E.unsupportedFlags('secretConnectListAllSecrets', 16),
  E.unsupportedFlags('secretDefineXML', 2),
  E.unsupportedFlags('secretGetXMLDesc', 1),
  E.unsupportedFlags('secretSetValue', 1),
  E.unsupportedFlags('secretGetValue', 1),
  E.emptyValue(),
  E.malformedUuid(),
  E.missingUsageId('volume'),
  E.missingUsageId('ceph'),
  E.missingUsageId('iscsi'),
  E.missingUsageId('tls'),
  E.missingUsageId('vtpm'),
  E.missingUsageType(),
  E.unknownUsageType('bogus'),
  E.invalidYesNo('ephemeral'),
  E.invalidYesNo('private'),
  E.wrongRoot('domain'),
  E.xmlDetail("(definition_of_secret):1: Start tag expected, '<' not found\n \n-^"),
  E.xmlDetail(
    "(definition_of_secret):1: Premature end of data in tag secret line 1\n<secret ephemeral='yes'>\n------------------------^",
  ),
  E.xmlSchema(
    'Unable to validate doc against /usr/share/libvirt/schemas/secret.rng\nElement secret has extra content: foo\n',
  ),
  E.notOpen(),
  E.hypervisorNotOpen(),
  E.alreadyOpen(),
  E.noConnect(''),
  ...[
    'virConnectGetCapabilities',
    'virConnectGetHostname',
    'virConnectGetSysinfo',
    'virConnectGetVersion',
    'virConnectListAllDomains',
    'virConnectNumOfDomains',
    'virNodeGetInfo',
    ...Object.keys(API_DOMAINS),
  ].map((name) => E.noSupport(name, API_DOMAINS[name])),
  E.unsupportedEvent(2),
  E.unsupportedEvent(-1),
  E.alreadyTracked(),
  E.tooManySecrets(16_385, 16_384),
  E.unsupportedParameter('bogus'),
  E.authFailed(),
  E.unknownProgram(0x1234_5678, 1),
  E.unknownProgram(0x2000_8086, 2),
  E.unknownProgram(0x6b65_6570, 1),
  E.unknownProcedure(9_999),
  E.unknownProcedure(0),
  E.unknownProcedure(-1),
  E.unknownProcedure(382),
  E.unexpectedStatus(1),
  E.unexpectedStatus(9),
  E.authenticationRequired(),
  E.maxUuidsNegative(),
  E.maxUuidsOver(),
  E.undecodable(),
]

/** Recorded texts that are told otherwise or never. */
const NOT_MADE = [
  'authentication unavailable: no polkit agent available to authenticate action ' +
    "'org.libvirt.unix.manage'",
  'internal error: node device event callback 99999 not registered',
]

const HEADER = { program: 0x2000_8086, version: 1, procedure: 145, type: 0, serial: 7, status: 0 }
const bodyHex = (error: LibvirtError): string => hexOf(writeError(HEADER, error).subarray(28))

function frameOf(bytes: Uint8Array): Frame {
  const reader = new FrameReader()
  reader.push(bytes)
  const frame = reader.next()
  if (frame === undefined) throw new Error('no frame')
  return frame
}

describe('recorded errors of libvirt 9.0', () => {
  const recorded = new Map<string, string>()
  for (const { at, bytes } of recordedFrames()) {
    const reader = new FrameReader(65_536)
    if (/^(v1[12]|raw-length)-/.test(at) || bytes.length > 65_536) continue
    reader.push(bytes)
    const frame = reader.next()
    if (frame?.type !== FRAME_TYPES.REPLY || frame.status !== FRAME_STATUS.ERROR) continue
    recorded.set(hexOf(frame.body), readBody(ERROR, frame.body).message)
  }

  test('each is made, byte by byte', () => {
    const made = new Set(MADE.map(bodyHex))
    const missing = [...recorded].filter(([hex]) => !made.has(hex)).map(([, message]) => message)
    expect(missing.sort()).toEqual(NOT_MADE)
  })

  test('what is made was recorded', () => {
    const invented = MADE.filter((error) => !recorded.has(bodyHex(error)))
    expect(invented.map(({ message }) => message)).toEqual([])
  })
})

describe('others', () => {
  test.each<[LibvirtError, number, number, string]>([
    [
      E.callbackNotRegistered(7),
      LIBVIRT_CODES.INTERNAL_ERROR,
      LIBVIRT_DOMAINS.RPC,
      'internal error: secret event callback 7 not registered',
    ],
    [
      E.operationFailed('not now'),
      LIBVIRT_CODES.OPERATION_FAILED,
      LIBVIRT_DOMAINS.SECRET,
      'operation failed: not now',
    ],
    [
      E.authFailed(LIBVIRT_DOMAINS.POLKIT),
      LIBVIRT_CODES.AUTH_FAILED,
      LIBVIRT_DOMAINS.POLKIT,
      'authentication failed: authentication failed',
    ],
    [
      E.noConnect(undefined),
      LIBVIRT_CODES.NO_CONNECT,
      LIBVIRT_DOMAINS.NONE,
      'no connection driver available for <null>',
    ],
    [
      E.noConnect('qemu:///system'),
      LIBVIRT_CODES.NO_CONNECT,
      LIBVIRT_DOMAINS.NONE,
      'no connection driver available for qemu:///system',
    ],
    [
      E.unexpectedPath('/session'),
      LIBVIRT_CODES.INTERNAL_ERROR,
      LIBVIRT_DOMAINS.NONE,
      "internal error: unexpected secret URI path '/session', try secret:///system",
    ],
    [E.rpc('a text'), LIBVIRT_CODES.RPC, LIBVIRT_DOMAINS.RPC, 'a text'],
    [E.unencodable(), LIBVIRT_CODES.RPC, LIBVIRT_DOMAINS.RPC, 'Unable to encode message payload'],
    [
      E.unsupportedFlags('secretSetValue', -1),
      LIBVIRT_CODES.INVALID_ARG,
      LIBVIRT_DOMAINS.SECRET,
      'unsupported flags (0xffffffff) in function secretSetValue',
    ],
  ])('%s', (error, code, domain, message) => {
    expect(error).toMatchObject({ code, domain, message, level: 2 })
    expect(readBody(ERROR, writeError(HEADER, error).subarray(28))).toMatchObject({
      code,
      domain,
      message,
    })
  })

  test('a long detail is cut at a character, message and detail alike', () => {
    const id = '€'.repeat(2_000_000)
    const { message, str2 = '' } = E.noSecretUsage(id)
    const bytes = Buffer.byteLength(str2)
    expect(bytes).toBeGreaterThan(1_019)
    expect(bytes).toBeLessThanOrEqual(1_022)
    expect(str2).toMatch(/^no secret with matching usage '€+$/)
    expect(message).toBe(`Secret not found: ${str2}`)
  })

  test.each([340, 341, 1_021, 1_022, 1_023, 5_000])('a detail of %i characters', (length) => {
    const text = 'x'.repeat(length)
    expect(E.rpc(text).message).toBe(text.slice(0, 1_022))
  })

  test('a cut leaves no half of a pair', () => {
    for (let before = 0; before < 4; before++) {
      const { message } = E.rpc('x'.repeat(before) + '\u{1f511}'.repeat(500))
      expect(/\p{Surrogate}/u.test(message)).toBe(false)
      expect(() => bodyHex(E.rpc(message))).not.toThrow()
    }
  })
})

test('what no text of XDR can hold is replaced', () => {
  const { message } = E.noSecretUsage('a\0b\ud800c\u{1f511}')
  expect(message).toBe("Secret not found: no secret with matching usage 'a\ufffdb\ufffdc\u{1f511}'")
  expect(() => bodyHex(E.noSecretUsage('\0'.repeat(2_000)))).not.toThrow()
})

describe('the class', () => {
  test('absent texts stay absent, the message is as clients tell it', () => {
    const absent = new Uint8Array(44)
    const view = new DataView(absent.buffer)
    view.setInt32(0, 66)
    view.setInt32(4, 30)
    const error = readBody(ERROR, absent)
    expect(error).toMatchObject({ code: 66, domain: 30, message: 'Unknown error', level: 0 })
    expect([error.str1, error.str2, error.str3, error.int1]).toEqual([
      undefined,
      undefined,
      undefined,
      0,
    ])
  })

  test('every field survives the wire', () => {
    const fields = {
      code: 9_999,
      domain: -1,
      message: 'a',
      level: 1,
      str1: 'b',
      str2: 'c',
      str3: 'd',
      int1: 7,
      int2: -8,
    }
    const sent = writeError(HEADER, new LibvirtError(fields)).subarray(28)
    expect(readBody(ERROR, sent)).toMatchObject(fields)
  })

  test('objects an error is about are passed over', () => {
    const about = {
      ...readBody(ERROR_STRUCT, writeError(HEADER, E.isPrivate()).subarray(28)),
      dom: { name: 'a domain', uuid: `${UUID}1`, id: 3 },
      net: { name: 'a network', uuid: `${UUID}2` },
    }
    const { body } = frameOf(writeFrame(HEADER, ERROR_STRUCT, about))
    expect(readBody(ERROR_STRUCT, body)).toEqual(about)
    expect(readBody(ERROR, body)).toMatchObject({ code: 65, str2: 'secret is private', int2: -1 })
  })

  test('is told from others, by code as well', () => {
    const error = E.isPrivate()
    expect(LibvirtError.is(error)).toBe(true)
    expect(LibvirtError.is(error, LIBVIRT_CODES.INVALID_SECRET)).toBe(true)
    expect(LibvirtError.is(error, LIBVIRT_CODES.NO_SECRET)).toBe(false)
    for (const other of [undefined, null, 66, 'x', {}, new Error('x')]) {
      expect(LibvirtError.is(other)).toBe(false)
    }
  })

  test('a cause is kept and not sent', () => {
    const cause = new Error('inner words')
    const error = E.operationFailed('not now', cause)
    expect(error.cause).toBe(cause)
    const sent = Buffer.from(writeError(HEADER, error)).toString('latin1')
    expect(sent).not.toContain('inner')
    expect('cause' in E.notOpen()).toBe(false)
  })

  test('a reply with an error names the call', () => {
    const call = { program: 0x1234_5678, version: 9, procedure: -3, type: 0, serial: 5, status: 4 }
    const reader = new FrameReader()
    reader.push(writeError(call, E.unknownProgram(call.program, call.version)))
    expect(reader.next()).toMatchObject({ ...call, type: 1, status: 1 })
  })
})
