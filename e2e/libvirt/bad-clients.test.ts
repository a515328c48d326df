/** Clients that send what is no call, more than they may, or take no answers: they harm nobody else. */
import { randomBytes } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import {
  LIBVIRT_LIMITS,
  PROCEDURES,
  readBody,
  type SecretRegistry,
  writeCall,
  writeKeepalive,
} from '@secreg/libvirt'
import { connectLibvirt } from '@secreg/libvirt/node'
import { waitFor } from '@secreg/testkit'
import { afterAll, expect, type TestContext, test } from 'vitest'
import { startAsUser } from '../lib/as-user.ts'
import { MIB, residentBytes } from '../lib/gateway-processes.ts'
import { errorOf, RawLibvirt } from '../lib/libvirt-raw.ts'
import { type LibvirtSite, startLibvirtSite } from '../lib/libvirt-site.ts'
import { OTHER_UID } from '../lib/other-user.ts'
import { slowdown } from '../lib/probe.ts'
import type { StartedSite } from '../lib/site.ts'
import { socketsOf } from '../lib/subauth-descriptors.ts'

/** Others may be slower by this meanwhile. */
const FACTOR = 5
/** Memory that the daemon may take meanwhile: what its heap keeps until it has to tidy. */
const GROWTH_BYTES = 64 * MIB
/** `libvirt.max_unopened` and `limits.max_connections_per_uid` unless told. */
const UNOPENED_PER_UID = 20
const CONNECTIONS_PER_UID = 64

const UUID = '99999999-9999-4999-8999-000000000001'
const MISSING = '99999999-9999-4999-8999-000000000009'
const VALUE = Buffer.alloc(LIBVIRT_LIMITS.valueBytes, 'v')
const HANDLE = { uuid: UUID, usageType: 0, usageId: '' }
const OPEN = { name: 'secret:///system', flags: 0 }

let running: Promise<StartedSite<LibvirtSite>> | undefined
afterAll(async () => (await running)?.[Symbol.asyncDispose]())

/** One daemon for all of them, as it would be, and somebody who does nothing wrong. */
async function stage(context: TestContext) {
  const libvirt = 'open_timeout = 3\nkeepalive_interval = 1\nkeepalive_count = 1'
  running ??= startLibvirtSite(context, { libvirt })
  const { daemon, site } = await running
  const registry = await site.connect()
  context.onTestFinished(async () => {
    await registry.close()
    expect(daemon.stderr()).not.toMatch(/internal|uncaught|unhandled/i)
  })
  const secret = await registry.define({ uuid: UUID })
  await secret.setValue(VALUE)
  return { daemon, registry, site }
}

/** Median time of look-ups of somebody on a connection that he keeps, milliseconds. */
async function medianMs(registry: SecretRegistry, count = 100): Promise<number> {
  const times: number[] = []
  for (let at = 0; at < count; at++) {
    const startedAt = performance.now()
    await registry.getByUuid(UUID)
    times.push(performance.now() - startedAt)
  }
  return times.toSorted((a, b) => a - b)[count >> 1] as number
}

/** Size of the files of a directory. */
function bytesOf(directory: string): number {
  const sizes = readdirSync(directory).map((name) => statSync(`${directory}/${name}`).size)
  return sizes.reduce((sum, size) => sum + size, 0)
}

test('a thousand connections that never ask for secrets', async (context) => {
  const { daemon, registry, site } = await stage(context)
  const before = { ms: await medianMs(registry), sockets: socketsOf(daemon.pid) }
  const open = () => RawLibvirt.open(site.door)
  const raws = await Promise.all(Array.from({ length: UNOPENED_PER_UID }, open))
  const more = await open()
  await more.closed
  expect(more.frames).toEqual([])
  expect(raws.filter(({ isClosed }) => isClosed)).toEqual([])
  // The kernel takes more as the daemon comes to them.
  while (raws.length < 1000) {
    const attempts = Array.from({ length: 50 }, open)
    for (const opened of await Promise.allSettled(attempts)) {
      if (opened.status === 'fulfilled') raws.push(opened.value)
    }
  }
  const left = () => raws.filter(({ isClosed }) => !isClosed).length
  // Every other one sends a byte now and then of a call that is not whole in time.
  const begun = writeCall('connectOpen', { ...OPEN, name: 'x'.repeat(900) }, 0)
  let sent = 0
  const drip = setInterval(() => {
    for (const [at, raw] of raws.entries()) {
      if (at % 2 === 0 && !raw.isClosed) raw.write(begun.subarray(sent, sent + 1))
    }
    sent++
  }, 100)
  try {
    await waitFor(() => left() <= UNOPENED_PER_UID, { what: 'those that are too many to go' })
    expect(slowdown(before.ms, await medianMs(registry))).toBeLessThan(FACTOR)
    if (process.getuid?.() === 0) {
      const user = { cwd: '/', uid: OTHER_UID, gid: OTHER_UID }
      await using other = await startAsUser(site.home, site.door, user)
      await using theirs = await connectLibvirt({ socket: other.path })
      expect(await theirs.count()).toBe(0)
    }
    await waitFor(() => left() === 0, { what: 'all of them to be closed' })
  } finally {
    clearInterval(drip)
    for (const raw of raws) raw[Symbol.dispose]()
  }
  await waitFor(() => socketsOf(daemon.pid) <= before.sockets, { what: 'the daemon to let go' })
  using raw = await RawLibvirt.ready(site.door)
  expect(await raw.ok('connectNumOfSecrets', undefined)).toEqual({ num: 1 })
})

test('one user has so many connections, and not one more; one that goes makes room', async (context) => {
  const { registry, site } = await stage(context)
  const raws: RawLibvirt[] = []
  try {
    // One is the connection of whoever does nothing wrong.
    while (raws.length < CONNECTIONS_PER_UID - 1) raws.push(await RawLibvirt.ready(site.door))
    for (const path of [site.door, site.readOnlyDoor]) {
      using more = await RawLibvirt.open(path)
      more.write(writeCall('connectOpen', OPEN, 0))
      await waitFor(() => more.isClosed || more.frames.length > 0)
      expect(more.frames).toEqual([])
    }
    expect(await registry.count()).toBe(1)
    raws.pop()?.[Symbol.dispose]()
    await waitFor(async () => {
      raws.push(await RawLibvirt.ready(site.readOnlyDoor))
      return true
    })
  } finally {
    for (const raw of raws) raw[Symbol.dispose]()
  }
})

test('five thousand calls in one write are answered in their order', async (context) => {
  const { daemon, site } = await stage(context)
  const before = residentBytes([daemon.pid])
  using raw = await RawLibvirt.ready(site.door)
  // Kinds of answers in an order that does not repeat soon.
  const kinds = Array.from({ length: 5000 }, (_, at) => (at * at + (at >> 3)) % 4)
  const calls = kinds.map((kind, at) => {
    const serial = 1_000 + at
    if (kind === 0) return writeCall('secretLookupByUuid', { uuid: UUID }, serial)
    if (kind === 1) return writeCall('secretLookupByUuid', { uuid: MISSING }, serial)
    if (kind === 2) return writeCall('connectGetType', undefined, serial)
    return writeCall('connectListSecrets', { maxuuids: -1 }, serial)
  })
  raw.write(Buffer.concat(calls))
  await waitFor(() => raw.frames.length === kinds.length, { timeoutMs: 30_000 })
  expect(raw.frames.map(({ serial }) => serial - 1_000)).toEqual(kinds.map((_, at) => at))
  expect(
    raw.frames.map((frame) => (frame.status === 0 ? frame.body.length : errorOf(frame).code)),
  ).toEqual(kinds.map((kind) => [24, 66, 12, 39][kind]))
  expect(residentBytes([daemon.pid])).toBeLessThan(before + GROWTH_BYTES)
})

test('silence: who said that he answers and does not is given up, in the time that he was told', async (context) => {
  const { site } = await stage(context)
  const [silent, answering, simple] = [
    await RawLibvirt.ready(site.door),
    await RawLibvirt.ready(site.door),
    await RawLibvirt.ready(site.door),
  ]
  try {
    const startedAt = performance.now()
    for (const raw of [silent, answering]) {
      expect(await raw.ok('connectSupportsFeature', { feature: 10 })).toEqual({ supported: 1 })
    }
    let pings = 0
    const pong = (): void => {
      pings += answering.frames.splice(0).length
      answering.write(writeKeepalive('pong'))
    }
    answering.socket.on('data', pong)
    await silent.closed
    // Interval times (count + 1), by a timer whose ticks are of a millisecond; the other is asked once an interval.
    expect(performance.now() - startedAt).toBeGreaterThan(1_900)
    expect(pings).toBeLessThan(6)
    expect(silent.frames.map(({ program, procedure }) => [program, procedure])).toEqual([
      [0x6b65_6570, 1],
    ])
    await waitFor(() => pings >= 2)
    answering.socket.off('data', pong)
    // Whoever has not said so is never asked.
    expect(simple.frames).toEqual([])
    for (const raw of [answering, simple]) {
      expect(raw.isClosed).toBe(false)
      expect((await raw.ok('connectGetType', undefined)).type).toBe('secret')
    }
  } finally {
    for (const raw of [silent, answering, simple]) raw[Symbol.dispose]()
  }
})

test('frames of every wrong length end their connection without an answer', async (context) => {
  const { registry, site } = await stage(context)
  const lengths = [
    ...Array.from({ length: LIBVIRT_LIMITS.headerBytes }, (_, length) => length),
    LIBVIRT_LIMITS.requestBytes + 1,
    LIBVIRT_LIMITS.frameBytes,
    LIBVIRT_LIMITS.frameBytes + 1,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32 - 1,
  ]
  const header = (length: number): Buffer => {
    const bytes = Buffer.from(writeCall('connectGetType', undefined, 1))
    bytes.writeUInt32BE(length)
    return bytes
  }
  for (const length of lengths) {
    for (const raw of [await RawLibvirt.open(site.door), await RawLibvirt.ready(site.door)]) {
      raw.write(header(length))
      await raw.closed
      expect(raw.frames, String(length)).toEqual([])
      raw[Symbol.dispose]()
    }
  }
  // Before it is open there is room for less.
  using raw = await RawLibvirt.open(site.door)
  raw.write(header(LIBVIRT_LIMITS.unopenedBytes + 1))
  await raw.closed
  expect(raw.frames).toEqual([])
  expect(await registry.count()).toBe(1)
})

test('a call that comes byte by byte, and one that is cut anywhere', async (context) => {
  const { registry, site } = await stage(context)
  const xml = "<secret ephemeral='yes'><uuid>99999999-9999-4999-8999-000000000002</uuid></secret>"
  const secret = { ...HANDLE, uuid: '99999999-9999-4999-8999-000000000002' }
  const bytes = Buffer.concat([
    writeCall('connectOpen', OPEN, 0),
    writeCall('secretDefineXml', { xml, flags: 0 }, 1),
    writeCall('secretSetValue', { secret, value: Buffer.from('one'), flags: 0 }, 2),
    writeCall('secretGetValue', { secret, flags: 0 }, 3),
    writeCall('secretUndefine', { secret }, 4),
  ])
  using raw = await RawLibvirt.open(site.door)
  for (const byte of bytes) {
    await new Promise<void>((resolve) => {
      raw.socket.write(Uint8Array.of(byte), () => resolve())
    })
  }
  await waitFor(() => raw.frames.length === 5)
  expect(raw.frames.map(({ serial, status }) => [serial, status])).toEqual(
    [0, 1, 2, 3, 4].map((serial) => [serial, 0]),
  )
  const { value } = readBody(PROCEDURES.secretGetValue.result, raw.frames[3]?.body as Uint8Array)
  expect(Buffer.from(value).toString()).toBe('one')
  // What was not sent whole is not done.
  const define = writeCall('secretDefineXml', { xml, flags: 0 }, 1)
  for (let cut = 1; cut < define.length; cut += 3) {
    using half = await RawLibvirt.ready(site.door)
    half.socket.end(define.subarray(0, cut))
    await half.closed
    expect(half.frames).toEqual([])
  }
  expect(await registry.listUuids()).toEqual([UUID])
})

test('bytes that are no protocol, and bodies that are no arguments', async (context) => {
  const { registry, site } = await stage(context)
  for (let round = 0; round < 50; round++) {
    using raw = await RawLibvirt.open(site.door)
    raw.socket.end(randomBytes(2_000))
    await raw.closed
  }
  const numbers = Object.values(PROCEDURES).map(({ number }) => number)
  using raw = await RawLibvirt.ready(site.door)
  const harmless = numbers.filter((number) => number !== PROCEDURES.connectClose.number)
  for (const number of harmless) {
    for (const size of [0, 3, 4, 60]) {
      const frame = Buffer.concat([
        writeCall('connectGetType', undefined, number),
        randomBytes(size),
      ])
      frame.writeUInt32BE(frame.length)
      frame.writeInt32BE(number, 12)
      // Nothing of it may be a UUID or a length that means something.
      frame.fill(0xff, 28, 28 + Math.min(size, 4))
      raw.write(frame)
      const { serial, procedure } = await raw.next()
      expect([serial, procedure]).toEqual([number, number])
    }
  }
  // One byte more than a value may have.
  const value = Buffer.concat([VALUE, Buffer.of(0)])
  const tooLong = Buffer.from(
    writeCall('secretSetValue', { secret: HANDLE, value: VALUE, flags: 0 }, 1),
  )
  const length = tooLong.indexOf(Buffer.from([0, 1, 0, 0]), 28)
  const longer = Buffer.concat([tooLong.subarray(0, length + 4), value, Buffer.alloc(7)])
  longer.writeUInt32BE(longer.length)
  longer.writeUInt32BE(value.length, length)
  raw.write(longer)
  const refusal = errorOf(await raw.next())
  expect([refusal.code, refusal.str2]).toEqual([39, 'Unable to decode message payload'])
  expect((await raw.ok('connectGetType', undefined)).type).toBe('secret')
  expect(await registry.listUuids()).toEqual([UUID])
})

test('peers that never take their answers are held up by themselves', async (context) => {
  const { daemon, registry, site } = await stage(context)
  const get = writeCall('secretGetValue', { secret: HANDLE, flags: 0 }, 7)
  const calls = Buffer.concat(Array.from({ length: 200 }, () => get))
  const before = { ms: await medianMs(registry), bytes: residentBytes([daemon.pid]) }
  const raws: RawLibvirt[] = []
  try {
    for (let at = 0; at < 20; at++) {
      const raw = await RawLibvirt.ready(site.door)
      raw.socket.pause()
      raw.write(calls)
      raws.push(raw)
    }
    // Until the daemon waits for them: nothing is answered, so nothing is recorded.
    let logged = -1
    const waits = (): boolean => {
      const before = logged
      logged = bytesOf(site.audit)
      return logged === before
    }
    await waitFor(waits, { intervalMs: 200, what: 'the daemon to wait for its peers' })
    expect(slowdown(before.ms, await medianMs(registry))).toBeLessThan(FACTOR)
    expect(residentBytes([daemon.pid])).toBeLessThan(before.bytes + GROWTH_BYTES)
    // One that takes them at last gets them all.
    const [late] = raws
    late?.socket.resume()
    await waitFor(() => late?.frames.length === 200, { timeoutMs: 20_000 })
    expect(late?.frames.every(({ status, serial }) => status === 0 && serial === 7)).toBe(true)
  } finally {
    for (const raw of raws) raw[Symbol.dispose]()
  }
})

test('a peer that has said everything and waits is answered, then closed', async (context) => {
  const { site } = await stage(context)
  using raw = await RawLibvirt.open(site.door)
  const lookup = (serial: number) => writeCall('secretLookupByUuid', { uuid: UUID }, serial)
  const rest = Array.from({ length: 100 }, (_, at) => lookup(1 + at))
  raw.socket.end(Buffer.concat([writeCall('connectOpen', OPEN, 0), ...rest]))
  await raw.closed
  expect(raw.frames.map(({ serial, status }) => [serial, status])).toEqual(
    Array.from({ length: 101 }, (_, serial) => [serial, 0]),
  )
  // Behind a goodbye nothing is done.
  using leaving = await RawLibvirt.ready(site.door)
  const close = writeCall('connectClose', undefined, 1)
  leaving.write(Buffer.concat([close, writeCall('secretUndefine', { secret: HANDLE }, 2)]))
  await leaving.closed
  expect(leaving.frames.map(({ serial }) => serial)).toEqual([1])
  using looking = await RawLibvirt.ready(site.door)
  expect(await looking.ok('connectNumOfSecrets', undefined)).toEqual({ num: 1 })
})
