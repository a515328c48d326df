/** What one connection can do to the server and to the others: order, bounds, time-outs. */
import { waitFor } from '@secreg/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ADMIN, PASSWORD, type StartedSite, startSite } from '../lib/site.ts'
import { ERROR, type Form, frameOf, TYPE, Wire } from '../lib/wire.ts'

const KIB = 1024
const MIB = 1024 * KIB

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** The site of all tests that change no setting, and leave it as others can use it. */
let running: StartedSite
beforeAll(async () => {
  running = await startSite()
})
afterAll(() => running[Symbol.asyncDispose]())

describe('pipelining', () => {
  test('requests with an id are answered when they are ready, and at most 64 are under way', async () => {
    using wire = await running.site.admin()
    // Logins are slow; whatever is read behind them and has an id overtakes them.
    const login = (id: number) => wire.frame('auth', { username: ADMIN, password: PASSWORD, id })
    wire.socket.write(
      Buffer.concat([
        ...Array.from({ length: 63 }, (_, id) => login(id)),
        wire.frame('status', { id: 'early' }),
        login(63),
        wire.frame('status', { id: 'late' }),
      ]),
    )
    const first = await wire.next()
    expect(first).toMatchObject({ type: TYPE.status + 1, body: { id: 'early' } })
    let logins = 0
    for (;;) {
      const { type, body } = await wire.next()
      if (body.id === 'late') break
      expect(type).toBe(TYPE.auth + 1)
      expect(body).toMatchObject({ success: true, id: expect.any(Number) })
      logins++
    }
    // It was not read before half of the 64 had been answered.
    expect(logins).toBeGreaterThanOrEqual(32)
    for (; logins < 64; logins++) await wire.next()
  })

  test('an id comes back in answers and errors, and a wrong one is refused', async () => {
    const { admin } = running
    for (const id of [0, -5, 'a'.repeat(64), '']) {
      expect((await admin.ask('whoami', { id })).body).toMatchObject({ id, user: ADMIN })
      expect(await admin.refused('get', { key: '/absent', id })).toMatchObject({ id, code: 2 })
    }
    for (const id of [1.5, true, null, {}, 'a'.repeat(65), 2 ** 60]) {
      expect(await admin.refused('whoami', { id })).toMatchObject({ code: 1 })
    }
  })

  test('what has no id seems to run one after another', async () => {
    using wire = await running.site.admin()
    wire.socket.write(
      Buffer.concat([
        wire.frame('set', { key: '/order/a', value: '1' }),
        wire.frame('list', { prefix: '/order' }),
        wire.frame('delete', { key: '/order/a' }),
        wire.frame('list', { prefix: '/order' }),
        wire.frame('user', { op: 'add', user: 'bob', password: 'Builder-of-things-1' }),
        wire.frame('user', { op: 'disable', user: 'bob' }),
        wire.frame('logout', {}),
        wire.frame('whoami', {}),
      ]),
    )
    const answers = []
    for (let i = 0; i < 8; i++) answers.push(await wire.next())
    expect(answers.map(({ type }) => type)).toEqual([
      TYPE.set + 1,
      TYPE.list + 1,
      TYPE.delete + 1,
      TYPE.list + 1,
      TYPE.user + 1,
      TYPE.user + 1,
      TYPE.logout + 1,
      ERROR,
    ])
    expect(answers[1]?.body).toEqual({ keys: ['/order/a'] })
    expect(answers[3]?.body).toEqual({ keys: [] })
    expect(answers[7]?.body).toMatchObject({ reason: 'SESSION_INVALID' })
  })

  test('a client that has closed its direction still gets every answer', async () => {
    const wire = await Wire.open(running.site.socket, { allowHalfOpen: true })
    await wire.login(ADMIN, PASSWORD)
    const count = 500
    const frames = Array.from({ length: count }, (_, i) =>
      i % 5 === 0 ? wire.frame('set', { key: `/half/${i}`, value: 'x' }) : wire.frame('whoami', {}),
    )
    wire.socket.end(Buffer.concat(frames))
    await wire.closed
    expect(wire.received).toBe(count + 1)
  })
})

describe('bounds of a frame', () => {
  test('weakness 16: max_frame+1 is refused after 4 bytes, without buffering', async () => {
    using known = await running.site.admin()
    const { max_frame: maximum } = await known.ok('hello', {})
    expect(maximum).toBe(4 * MIB)
    const { buffer_bytes: before } = await running.admin.ok('status', {})
    known.socket.write(u32(maximum + 1))
    const { type, body } = await known.next()
    expect(type).toBe(ERROR)
    expect(body).toMatchObject({ code: 1, reason: 'FRAME_TOO_LARGE' })
    await known.closed
    // One that may be so large is waited for, and its length alone reserves nothing.
    using patient = await running.site.admin()
    patient.socket.write(u32(maximum))
    expect(await running.admin.ok('whoami', {})).toMatchObject({ user: ADMIN })
    const { buffer_bytes: after } = await running.admin.ok('status', {})
    expect(after - before).toBeLessThan(16 * KIB)
  })

  test('before a login a frame has at most 16 KiB, in each form', async () => {
    const { socket } = running.site
    const padded = (bytes: number) => {
      const rest = { username: ADMIN, password: PASSWORD, pad: '' }
      const pad = 'x'.repeat(bytes - 10 - Buffer.byteLength(JSON.stringify(rest)))
      return { ...rest, pad }
    }
    for (const form of ['length', 'inline', 'naked'] as Form[]) {
      using fits = await Wire.open(socket, { form })
      const { body } = await fits.ask('auth', padded(16 * KIB))
      expect(body, form).toMatchObject({ success: true })
      using over = await Wire.open(socket, { form })
      over.send('auth', padded(16 * KIB + 1))
      expect(await over.next(), form).toMatchObject({
        type: ERROR,
        body: { reason: 'FRAME_TOO_LARGE' },
      })
      await over.closed
    }
    // A refused login opens nothing.
    using refused = await Wire.open(socket)
    await refused.ask('auth', { username: ADMIN, password: 'wrong' })
    refused.socket.write(u32(16 * KIB + 1))
    expect((await refused.next()).body).toMatchObject({ reason: 'FRAME_TOO_LARGE' })
  })

  test('the form of a connection does not change, and framing = "length" admits one', async () => {
    const forms: Form[] = ['length', 'inline', 'naked']
    for (const form of forms) {
      for (const other of forms.filter((name) => name !== form)) {
        using wire = await Wire.login(running.site.socket, ADMIN, PASSWORD, form)
        const { session } = wire
        wire.socket.write(frameOf('whoami', {}, { session, form: other }))
        expect(await wire.next(), `${form} then ${other}`).toMatchObject({
          type: ERROR,
          body: { code: 1, reason: 'FRAME_MALFORMED' },
        })
        await wire.closed
      }
    }
    await using strict = await startSite({ framing: 'length' })
    for (const form of ['inline', 'naked'] as const) {
      using wire = await Wire.open(strict.site.socket)
      wire.socket.write(frameOf('status', {}, { form }))
      expect((await wire.next()).body).toMatchObject({ reason: 'FRAME_MALFORMED' })
      await wire.closed
    }
  })
})

describe('time-outs', () => {
  test('weakness 9: a client that stalls in a frame is dropped after the read time-out, others are not', async () => {
    await using running = await startSite({ config: '[limits]\nread_timeout = 1' })
    const { site, admin } = running
    const starts: [string, Buffer, Form][] = [
      ['one byte', Buffer.of(0), 'length'],
      ['a length', u32(100), 'length'],
      ['half of a header', Buffer.of(3, 0, 0), 'length'],
      ['an open object', frameOf('auth', '{"username":"', { form: 'naked' }), 'naked'],
    ]
    const began = performance.now()
    await Promise.all(
      starts.map(async ([what, bytes, form]) => {
        using wire = await Wire.open(site.socket, { form })
        wire.socket.write(bytes)
        expect((await wire.next()).body, what).toMatchObject({ reason: 'TIMEOUT' })
        await wire.closed
        expect(performance.now() - began, what).toBeGreaterThan(900)
      }),
    )
    // Bytes that trickle in buy no time: the whole frame has one second.
    using trickle = await site.admin()
    const frame = trickle.frame('get', { key: '/a', pad: 'x'.repeat(200) })
    let closed = false
    void trickle.closed.then(() => {
      closed = true
    })
    let sent = 0
    for (const byte of frame.subarray(0, -1)) {
      if (closed) break
      trickle.socket.write(Buffer.of(byte))
      sent++
      await new Promise((resume) => setTimeout(resume, 20))
    }
    await trickle.closed
    expect(sent).toBeLessThan(frame.length - 1)
    expect(await admin.ok('whoami', {})).toMatchObject({ user: ADMIN })
  })

  test('a connection without a login is closed after its time, whatever else it asks', async () => {
    await using running = await startSite({ config: '[limits]\nauth_timeout = 1' })
    using silent = await Wire.open(running.site.socket)
    using asking = await Wire.open(running.site.socket)
    await asking.ok('status', {})
    for (const wire of [silent, asking]) {
      expect((await wire.next()).body).toMatchObject({ code: 6, reason: 'TIMEOUT' })
      await wire.closed
    }
    expect(await running.admin.ok('whoami', {})).toMatchObject({ user: ADMIN })
  })

  test('a connection that asks nothing is closed after the time-out of a session', async () => {
    // More than the login takes, during which nothing else is asked.
    await using running = await startSite({ session: 'timeout = 2' })
    expect((await running.admin.next()).body).toMatchObject({ reason: 'TIMEOUT' })
    await running.admin.closed
  })

  test('a client that does not take its answer is dropped after the read time-out', async () => {
    await using running = await startSite({ config: '[limits]\nread_timeout = 1' })
    const { site, admin } = running
    await admin.ok('set', { key: '/big', value: 'A'.repeat(MIB), type: 'bytes' })
    using slow = await site.admin()
    slow.socket.pause()
    expect(await admin.ok('status', {})).toMatchObject({ connections: 2 })
    for (let i = 0; i < 3; i++) slow.send('get', { key: '/big' })
    await waitFor(async () => (await admin.ok('status', {})).connections === 1)
  })
})

describe('limits', () => {
  test('weakness 10: a connection over the limit is refused cleanly, and there is room when one leaves', async () => {
    await using running = await startSite({ config: '[limits]\nmax_connections = 3' })
    const { site, admin } = running
    using second = await Wire.open(site.socket)
    using third = await Wire.open(site.socket)
    await second.ok('status', {})
    await third.ok('status', {})
    for (let i = 0; i < 20; i++) {
      using over = await Wire.open(site.socket)
      expect(await over.next()).toMatchObject({
        type: ERROR,
        body: { code: 6, reason: 'TOO_MANY_CONNECTIONS', retry_after: 1 },
      })
      await over.closed
    }
    expect(await admin.ok('whoami', {})).toMatchObject({ user: ADMIN })
    third.close()
    await waitFor(async () => {
      using again = await Wire.open(site.socket)
      return (await again.ask('status', {})).type === TYPE.status + 1
    })
  })

  test('a reader with more than 8 MiB of unread answers is dropped, others are served', async () => {
    await using running = await startSite()
    const { site, admin } = running
    await admin.ok('set', { key: '/big', value: 'A'.repeat(MIB), type: 'bytes' })
    using slow = await site.admin()
    slow.socket.pause()
    slow.socket.write(
      Buffer.concat(Array.from({ length: 40 }, () => slow.frame('get', { key: '/big' }))),
    )
    let highest = 0
    await waitFor(async () => {
      const { connections, buffer_bytes: bytes } = await admin.ok('status', {})
      highest = Math.max(highest, bytes)
      return connections === 1
    })
    expect(highest).toBeLessThan(10 * MIB)
    expect((await admin.ok('get', { key: '/big' })).value).toHaveLength(MIB)
  })

  test('over the byte budget of all, the one who asks for more is refused, small requests go on', async () => {
    await using running = await startSite({ config: '[limits]\nbuffer_bytes = 16777216' })
    const { site, admin } = running
    await admin.ok('set', { key: '/big', value: 'A'.repeat(MIB), type: 'bytes' })
    await admin.ok('set', { key: '/small', value: 'x' })
    const slow = await Promise.all(Array.from({ length: 4 }, () => site.admin()))
    for (const wire of slow) {
      wire.socket.pause()
      wire.socket.write(
        Buffer.concat(Array.from({ length: 6 }, () => wire.frame('get', { key: '/big' }))),
      )
    }
    await waitFor(async () => (await admin.ok('status', {})).connections < 5)
    const { buffer_bytes: used, connections } = await admin.ok('status', {})
    expect(used).toBeLessThanOrEqual(16 * MIB)
    expect(connections).toBeGreaterThan(1)
    expect(await admin.ok('get', { key: '/small' })).toMatchObject({ value: 'x' })
    await admin.ok('set', { key: '/small', value: 'y' })
    for (const wire of slow) wire.close()
    await waitFor(async () => (await admin.ok('status', {})).connections === 1)
    // Everything was given back.
    expect((await admin.ok('status', {})).buffer_bytes).toBeLessThan(64 * KIB)
    expect((await admin.ok('get', { key: '/big' })).value).toHaveLength(MIB)
  })
})

test('one connection does not fill the queue of key derivations for the others', async () => {
  using flood = await running.site.admin()
  using other = await running.site.admin()
  const login = (id: number) => flood.frame('auth', { username: ADMIN, password: PASSWORD, id })
  flood.socket.write(Buffer.concat(Array.from({ length: 64 }, (_, id) => login(id))))
  // While the others' logins wait for one another, this one takes its turn beside the first of them.
  let answered = 0
  const counting = (async () => {
    for (; answered < 64; answered++) await flood.next()
  })()
  expect(await other.ok('auth', { username: ADMIN, password: PASSWORD })).toMatchObject({
    success: true,
  })
  expect(answered).toBeLessThan(32)
  await counting
})
