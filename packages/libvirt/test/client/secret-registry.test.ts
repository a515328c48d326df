import {
  LIBVIRT_ERRORS,
  LibvirtConnectionError,
  LibvirtError,
  NoSecretError,
  NoValueError,
  PrivateSecretError,
  SecretError,
  type SecretRegistry,
} from '@secreg/libvirt'
import { expect, test } from 'vitest'
import { openSecretRegistry } from '../../src/client/open-secret-registry.ts'
import { replayed } from './recorded-client.ts'
import { handle, SILENCE, StandIn, UUIDS } from './stand-in.ts'

const PY = '55555555-5555-4555-8555-000000000001'

/** The error with which a promise is rejected. */
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

test.each([0, 1, 7])('a recorded daemon of version 9.0, %i bytes at a time', async (pieceBytes) => {
  const client = replayed('python-crud', pieceBytes)
  const registry = await openSecretRegistry(client, { keepalive: false })
  expect(await registry.count()).toBe(21)
  const xml = `<secret ephemeral='yes'><uuid>${PY}</uuid>`
  const usage = "<usage type='tls'><name>py</name></usage></secret>"
  const secret = await registry.define({ xml: `${xml}${usage}` })
  expect([secret.uuid, secret.usage]).toEqual([PY, { type: 'tls', number: 4, id: 'py' }])
  await secret.setValue(Uint8Array.of(0x00, 0x70, 0x79, 0xff))
  expect(await secret.getValue()).toEqual(Uint8Array.of(0x00, 0x70, 0x79, 0xff))
  expect(await secret.describe()).toEqual({
    uuid: PY,
    usage: { type: 'tls', id: 'py' },
    ephemeral: true,
    private: false,
  })
  expect(await registry.count()).toBe(22)
  const uuids = await registry.listUuids({ max: 22 })
  expect([uuids.length, uuids.includes(PY), [...uuids].sort()]).toEqual([22, true, uuids])
  const ephemeral = await registry.list({ ephemeral: true })
  expect(ephemeral.map(({ uuid }) => uuid)).toContain(PY)
  expect((await registry.getByUuid(PY)).usage.id).toBe('py')
  expect((await registry.getByUuid(secret.uuidBytes)).uuid).toBe(PY)
  expect((await registry.getByUsage('tls', 'py')).uuid).toBe(PY)
  expect(await failure(registry.getByUsage('tls', 'nope'))).toBeInstanceOf(NoSecretError)
  const missing = registry.getByUuid('22222222-2222-4222-8222-222222222222')
  expect(await failure(missing)).toBeInstanceOf(NoSecretError)
  const second = await failure(registry.define({ xml: `<secret ephemeral='yes'>${usage}` }))
  expect(LibvirtError.is(second, 1)).toBe(true)
  await secret.undefine()
  // The daemon was asked for the value before and after the secret was gone; the first answers are used up.
  for (let asked = 0; asked < 2; asked += 1) await failure(secret.getValue())
  expect(await failure(secret.toXML())).toBeInstanceOf(NoSecretError)
  expect(await failure(secret.undefine())).toBeInstanceOf(NoSecretError)
})

async function opened(answers: ConstructorParameters<typeof StandIn>[0]) {
  const server = new StandIn(answers)
  return { server, registry: await server.open({ keepalive: false }) }
}

test('lists are asked for with the flags of the filter, and sorted', async () => {
  const [first, second, third] = UUIDS
  const { server, registry } = await opened({
    connectListAllSecrets: () => ({
      secrets: [handle(third), handle(first), { uuid: second, usageType: 9, usageId: 'new' }],
      ret: 3,
    }),
  })
  const filters: [Parameters<SecretRegistry['list']>[0], number][] = [
    [undefined, 0],
    [{}, 0],
    [{ ephemeral: true }, 1],
    [{ ephemeral: false }, 2],
    [{ private: true }, 4],
    [{ private: false }, 8],
    [{ ephemeral: false, private: true }, 6],
  ]
  for (const [filter, flags] of filters) {
    const secrets = await registry.list(filter)
    expect(secrets.map(({ uuid }) => uuid)).toEqual(UUIDS)
    expect(secrets[1]?.usage).toEqual({ type: 'unknown', number: 9, id: 'new' })
    expect(secrets[0]?.registry).toBe(registry)
    expect(server.calls.at(-1)?.args).toEqual({ needResults: 1, flags })
  }
  await registry.close()
})

test('a definition is sent as the XML of libvirt', async () => {
  let uuid = UUIDS[0]
  const { server, registry } = await opened({
    secretDefineXml: ({ xml }) => ({
      secret: {
        uuid,
        usageType: xml.includes('usage') ? 2 : 0,
        usageId: xml.includes('usage') ? 'a<b' : '',
      },
    }),
  })
  await registry.define({
    uuid: uuid.replaceAll('-', '').toUpperCase(),
    description: 'd',
    usage: { type: 'ceph', id: 'a<b' },
    private: true,
  })
  expect(server.calls.at(-1)?.args).toEqual({
    flags: 0,
    xml: `<secret ephemeral='no' private='yes'>
  <uuid>${uuid}</uuid>
  <description>d</description>
  <usage type='ceph'>
    <name>a&lt;b</name>
  </usage>
</secret>
`,
  })
  uuid = UUIDS[1]
  const secret = await registry.define({ description: '  <uuid>' })
  expect(secret.uuid).toBe(uuid)
  expect(server.calls.at(-1)?.args).toEqual({
    flags: 0,
    xml: `<secret ephemeral='no' private='no'>
  <description>  &lt;uuid&gt;</description>
</secret>
`,
  })
  await registry.define({ xml: '<secret/>', validate: true })
  expect(server.calls.at(-1)?.args).toEqual({ xml: '<secret/>', flags: 1 })
  await registry.close()
})

test('refusals have classes, and codes as libvirt numbers them', async () => {
  const [uuid] = UUIDS
  let refusal = LIBVIRT_ERRORS.noValue(uuid)
  const { server, registry } = await opened({
    secretLookupByUuid: () => ({ secret: handle(uuid) }),
    secretGetValue: () => refusal,
  })
  const secret = await registry.getByUuid(uuid)
  const cases = [
    [LIBVIRT_ERRORS.noValue(uuid), NoValueError, 66, 'NO_VALUE'],
    [LIBVIRT_ERRORS.noSecret(uuid), NoSecretError, 66, 'NO_SECRET'],
    [LIBVIRT_ERRORS.isPrivate(), PrivateSecretError, 65, 'PRIVATE'],
    [LIBVIRT_ERRORS.accessDenied(), LibvirtError, 88, undefined],
  ] as const
  for (const [told, type, code, reason] of cases) {
    refusal = told
    const error = await failure(secret.getValue())
    expect(error).toBeInstanceOf(type)
    expect(error).toMatchObject({ code, message: told.message, domain: told.domain })
    expect(SecretError.isSecretError(error)).toBe(reason !== undefined)
    if (reason !== undefined) expect(SecretError.isSecretError(error, reason)).toBe(true)
  }
  // In another language only a look-up tells a missing value from a missing secret.
  refusal = new LibvirtError({ code: 66, domain: 30, message: 'Geheimnis nicht gefunden: ' })
  expect(await failure(secret.getValue())).toBeInstanceOf(NoValueError)
  server.answers.secretLookupByUuid = () => LIBVIRT_ERRORS.noSecret(uuid)
  expect(await failure(secret.getValue())).toBeInstanceOf(NoSecretError)
  await registry.close()
})

test('texts of a server are fit to be shown', async () => {
  const message = `\u001b[31mred\u0007\n${'x'.repeat(5000)}`
  const { registry } = await opened({
    connectNumOfSecrets: () => new LibvirtError({ code: 1, domain: 0, message, str2: '\u2028' }),
  })
  const error = (await failure(registry.count())) as LibvirtError
  expect(error.message.startsWith(' [31mred \nxxx')).toBe(true)
  expect([error.message.length, error.str2]).toEqual([1001, ' '])
  await registry.close()
})

test.each(['plain', 'base64', 'hex'] as const)('no error holds the value: %s', async (form) => {
  const [uuid] = UUIDS
  const value = Buffer.from('correct horse battery staple')
  const text = {
    plain: value.toString(),
    base64: value.toString('base64'),
    hex: value.toString('hex'),
  }
  const { registry } = await opened({
    secretLookupByUuid: () => ({ secret: handle(uuid) }),
    secretSetValue: () =>
      new LibvirtError({ code: 9, domain: 30, message: 'failed', str2: `it is ${text[form]}` }),
  })
  const secret = await registry.getByUuid(uuid)
  const error = (await failure(secret.setValue(value))) as LibvirtError
  expect(error.code).toBe(9)
  expect(error.message).toContain('refused')
  expect(JSON.stringify([error, error.message, error.stack, error.str2])).not.toContain(text[form])
  await registry.close()
})

test('a value is copied when it is set, and of those that came each caller has his own', async () => {
  const [uuid] = UUIDS
  const stored: Uint8Array[] = []
  const { registry } = await opened({
    secretLookupByUuid: () => ({ secret: handle(uuid) }),
    secretSetValue: ({ value }) => void stored.push(value.slice()),
    secretGetValue: () => ({ value: Uint8Array.of(7, 8, 9) }),
  })
  const secret = await registry.getByUuid(uuid)
  const value = Uint8Array.of(1, 2, 3)
  const set = secret.setValue(value)
  value.fill(0)
  await set
  expect(stored).toEqual([Uint8Array.of(1, 2, 3)])
  const [a, b] = await Promise.all([secret.getValue(), secret.getValue()])
  a?.fill(0)
  expect(b).toEqual(Uint8Array.of(7, 8, 9))
  await registry.close()
})

test('the buffer of a caller is neither sent later nor wiped', async () => {
  const [uuid] = UUIDS
  const stored: string[] = []
  const { registry } = await opened({
    secretLookupByUuid: () => ({ secret: handle(uuid) }),
    secretSetValue: ({ value }) => void stored.push(Buffer.from(value).toString()),
  })
  const secret = await registry.getByUuid(uuid)
  const buffer = Buffer.from('sesame')
  await secret.setValue(buffer)
  expect([buffer.toString(), ...stored]).toEqual(['sesame', 'sesame'])
  await registry.close()
})

test('an answer about another secret ends the connection', async () => {
  const other = { secret: handle(UUIDS[1]) }
  const answers = {
    secretLookupByUuid: () => other,
    secretLookupByUsage: () => other,
    secretDefineXml: () => other,
    connectListSecrets: () => ({ uuids: ['nonsense'] }),
    connectNumOfSecrets: () => ({ num: -1 }),
  }
  const asked: ((registry: SecretRegistry) => Promise<unknown>)[] = [
    (registry) => registry.getByUuid(UUIDS[0]),
    (registry) => registry.getByUsage('tls', 'x'),
    (registry) => registry.getByUsage('ceph', `id of ${UUIDS[1]}`),
    (registry) => registry.define({ uuid: UUIDS[0] }),
    (registry) => registry.define({ usage: { type: 'tls', id: 'x' } }),
    (registry) => registry.listUuids(),
    (registry) => registry.listUuids({ max: 0 }),
    (registry) => registry.count(),
  ]
  for (const ask of asked) {
    const { registry, server } = await opened(answers)
    const error = await failure(ask(registry))
    expect(LibvirtConnectionError.is(error, 'ANSWER_INVALID')).toBe(true)
    expect(await failure(registry.count())).toBe(error)
    expect(await registry.closed).toEqual({ reason: 'error', error })
    expect(server.client.destroyed).toBe(true)
  }
})

test('a description that is none is no end of the connection', async () => {
  const [uuid] = UUIDS
  let xml = '<secret'
  const { registry } = await opened({
    secretLookupByUuid: () => ({ secret: handle(uuid) }),
    secretGetXmlDesc: () => ({ xml }),
  })
  const secret = await registry.getByUuid(uuid)
  const error = await failure(secret.describe())
  expect(LibvirtConnectionError.is(error, 'ANSWER_INVALID')).toBe(true)
  xml = `<secret><uuid>${UUIDS[1]}</uuid></secret>`
  expect(await failure(secret.describe())).toMatchObject({ reason: 'ANSWER_INVALID' })
  expect(await secret.toXML()).toBe(xml)
  await registry.close()
})

test('closing waits for what was asked', async () => {
  const { server, registry } = await opened({ connectNumOfSecrets: () => SILENCE })
  const count = registry.count()
  const closed = registry.close()
  expect(await failure(registry.count())).toMatchObject({ code: 'ERR_LIBVIRT_CLOSED' })
  await new Promise(setImmediate)
  server.reply('connectNumOfSecrets', { num: 5 }, server.serial('connectNumOfSecrets'))
  expect(await count).toBe(5)
  await closed
  expect(server.called.at(-1)).toBe('connectClose')
})

test('wrong arguments never reach the server', async () => {
  const [uuid] = UUIDS
  const { server, registry } = await opened({
    secretLookupByUuid: () => ({ secret: handle(uuid) }),
  })
  const secret = await registry.getByUuid(uuid)
  const calls = server.calls.length
  const wild = registry as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
  const table: [string, unknown[], typeof TypeError | typeof RangeError, string][] = [
    ['listUuids', [null], TypeError, 'options'],
    ['listUuids', [{ max: '1' }], TypeError, 'max'],
    ['listUuids', [{ max: 16_385 }], RangeError, 'max'],
    ['listUuids', [{ max: -1 }], RangeError, 'max'],
    ['list', [null], TypeError, 'filter'],
    ['list', [{ ephemeral: 1 }], TypeError, 'ephemeral'],
    ['list', [{ private: 'no' }], TypeError, 'private'],
    ['getByUuid', [undefined], TypeError, 'uuid'],
    ['getByUuid', ['1111'], RangeError, 'uuid'],
    ['getByUuid', [new Uint8Array(15)], RangeError, 'uuid'],
    ['getByUsage', [4, 'x'], TypeError, 'type'],
    ['getByUsage', ['toString', 'x'], RangeError, 'type'],
    ['getByUsage', ['tls', 1], TypeError, 'id'],
    ['getByUsage', ['tls', 'a\0b'], RangeError, 'string'],
    ['define', [undefined], TypeError, 'definition'],
    ['define', [{ xml: 1 }], TypeError, 'xml'],
    ['define', [{ xml: '<secret/>', validate: 'yes' }], TypeError, 'validate'],
    ['define', [{ uuid: 'x' }], RangeError, 'uuid'],
    ['define', [{ description: 1 }], TypeError, 'description'],
    ['define', [{ description: 'a\u0001b' }], RangeError, 'description'],
    ['define', [{ usage: 'tls' }], TypeError, 'usage'],
    ['define', [{ usage: { type: 'tls' } }], TypeError, 'usage.id'],
    ['define', [{ usage: { type: 'tls', id: '' } }], RangeError, 'usage.id'],
    ['define', [{ usage: { type: 'none', id: 'x' } }], RangeError, 'usage.id'],
    ['define', [{ usage: { type: 'tls', id: 'a\u0001b' } }], RangeError, 'usage.id'],
    ['define', [{ ephemeral: 0 }], TypeError, 'ephemeral'],
    ['on', ['other', {}, () => {}], RangeError, 'type'],
    ['on', ['lifecycle', null, () => {}], TypeError, 'options'],
    ['on', ['lifecycle', { uuid: 'x' }, () => {}], RangeError, 'uuid'],
    ['on', ['lifecycle', {}, 1], TypeError, 'callback'],
  ]
  for (const [method, args, type, text] of table) {
    const error = (await failure((async () => wild[method]?.(...args))())) as Error
    expect([method, args, error?.constructor]).toEqual([method, args, type])
    expect(error.message.startsWith(`${text}: `)).toBe(true)
  }
  const values: [unknown, typeof TypeError | typeof RangeError][] = [
    ['text', TypeError],
    [[1, 2], TypeError],
    [new Uint8Array(0), RangeError],
    [new Uint8Array(65_537), RangeError],
  ]
  for (const [value, type] of values) {
    expect(await failure(secret.setValue(value as Uint8Array))).toBeInstanceOf(type)
  }
  expect(() => registry.events({ uuid: 'x' })).toThrow(RangeError)
  expect(server.calls.length).toBe(calls)
  await registry.close()
})
