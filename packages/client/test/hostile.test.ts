import { connectRegistry } from '@secreg/client'
import { type RequestName, SecregError } from '@secreg/protocol'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { REQUEST_TABLE } from '../src/requests.ts'
import { type Asked, answer, change, entry, fakeDaemon } from './fake-daemon.ts'

async function outcome(
  handle: (asked: Asked) => void,
  name: RequestName = 'get',
): Promise<unknown> {
  await using daemon = await fakeDaemon(handle)
  await using registry = await connectRegistry({ socket: daemon.path })
  return await registry.request(name, { key: '/a' } as never).catch((error: unknown) => {
    if (!SecregError.is(error)) throw error
    return error.reason
  })
}

test.each([
  ['bytes that are no frame', (s: Asked) => s.socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ['a length above the limit', (s: Asked) => s.socket.write(Buffer.from('00ffffff', 'hex'))],
  ['the wrong type', (s: Asked) => answer(s.socket, 0x06, { success: true, version: 1 })],
  ['no object', (s: Asked) => answer(s.socket, 0x04, '[1]')],
  ['no JSON', (s: Asked) => answer(s.socket, 0x04, '{"value"')],
  ['an empty object', (s: Asked) => answer(s.socket, 0x04, {})],
  ['a wrongly typed member', (s: Asked) => answer(s.socket, 0x04, { ...entry('x'), version: '1' })],
  ['a value that is a number', (s: Asked) => answer(s.socket, 0x04, { ...entry('x'), value: 1 })],
  ['an error without a message', (s: Asked) => answer(s.socket, 0xff, { code: 2 })],
  ['a close', (s: Asked) => s.socket.destroy()],
])('a daemon that answers with %s is an error, not a crash', async (_, handle) => {
  expect(await outcome((asked) => void handle(asked))).toBe('UNREACHABLE')
})

test('an answer that nobody asked for ends the connection', async () => {
  const daemon = await fakeDaemon(({ socket }) => {
    answer(socket, 0x04, entry('x'))
    answer(socket, 0x04, entry('y'))
  })
  onTestFinished(() => daemon[Symbol.asyncDispose]())
  const registry = await connectRegistry({ socket: daemon.path })
  expect((await registry.get({ key: '/a' })).value).toBe('x')
  while (!registry.closed) await new Promise((resolve) => setImmediate(resolve))
})

test('any JSON object as an answer to any request is accepted or a SecregError', async () => {
  const names = Object.keys(REQUEST_TABLE) as RequestName[]
  await using daemon = await fakeDaemon(({ socket, type }) => {
    answer(socket, failing ? 0xff : type + 1, next)
  })
  let next = '{}'
  let failing = false
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...names),
      fc.dictionary(
        fc.constantFrom(
          'success',
          'session_id',
          'value',
          'keys',
          'entries',
          'error',
          'records',
          'state',
          'code',
          'message',
          'revision',
          'results',
          'versions',
          'custom',
          'mounts',
          'count',
          'watch_id',
          'generation',
          '__proto__',
        ),
        fc.jsonValue({ maxDepth: 3 }),
      ),
      fc.boolean(),
      async (name, payload, fails) => {
        next = JSON.stringify(payload)
        failing = fails
        await using registry = await connectRegistry({ socket: daemon.path })
        const asked: Promise<unknown> =
          name === 'watch'
            ? registry.watch({})
            : name === 'unwatch'
              ? registry.watch({}).then((watch) => watch.close())
              : registry.request(name, {} as never)
        await asked.catch((error: unknown) => {
          if (!SecregError.is(error)) throw error
        })
      },
    ),
    { numRuns: 300 },
  )
})

test('any JSON object pushed for a watch is given, ignored or a SecregError', async () => {
  const event = fc.oneof(
    fc.constant(change('/a')),
    fc.dictionary(fc.constantFrom('op', 'key', 'version', 'type', 'encrypted'), fc.jsonValue()),
  )
  const message = fc.record(
    {
      watch_id: fc.oneof(fc.constant(1), fc.jsonValue({ maxDepth: 1 })),
      revision: fc.oneof(fc.nat(20), fc.jsonValue({ maxDepth: 1 })),
      events: fc.oneof(fc.array(event, { maxLength: 3 }), fc.jsonValue({ maxDepth: 2 })),
      more: fc.constantFrom(true, false, null),
      overflow: fc.constantFrom(true, false, null),
      error: fc.oneof(
        fc.constant({ code: 6, message: 'x' }),
        fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 1 })),
      ),
    },
    { requiredKeys: ['watch_id'] },
  )
  await using daemon = await fakeDaemon(({ socket, type }) => {
    answer(socket, type + 1, { watch_id: 1, revision: 5, generation: 'g' })
    for (const one of messages) answer(socket, 0x80, one)
    socket.end()
  })
  let messages: object[] = []
  await fc.assert(
    fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 5 }), async (all) => {
      messages = all
      await using registry = await connectRegistry({ socket: daemon.path })
      let last = 5
      try {
        for await (const { revision, events } of await registry.watch({})) {
          expect(revision).toBeGreaterThan(last)
          expect(events.length).toBeGreaterThan(0)
          last = revision
        }
      } catch (error) {
        if (!SecregError.is(error)) throw error
      }
    }),
    { numRuns: 300 },
  )
})
