/** Classes 22 and 28 of faults of others (specs: kv2 §5.2): what a client shows when it fails, and what its frames hold. */
import { connectRegistry } from '@secreg/client'
import { createCanary, shownByFailure } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { type Asked, answer, entry, fakeDaemon, refuse } from './fake-daemon.ts'

describe('class 22: what fails shows neither session, password nor value', () => {
  const sessionId = createCanary('session')
  const value = createCanary('value')
  const password = createCanary('password')

  test.each<[string, (asked: Asked) => unknown]>([
    ['a refusal', ({ socket }) => refuse(socket, 'ACCESS_DENIED', 3)],
    ['no answer', ({ socket }) => socket.destroy()],
    ['no frame', ({ socket }) => socket.write(`${value} ${sessionId}\r\n`)],
    ['an answer that is none', ({ socket, type }) => answer(socket, type + 1, `{"${value}`)],
    ['another answer', ({ socket, type }) => answer(socket, type + 1, { version: value })],
  ])('%s', async (_what, handle) => {
    await using daemon = await fakeDaemon((asked) => void handle(asked))
    for (const call of ['set', 'auth', 'get'] as const) {
      await using registry = await connectRegistry({ socket: daemon.path, sessionId })
      const shown = await shownByFailure(() => {
        if (call === 'set') return registry.set({ key: '/a', value, type: 'string' } as never)
        if (call === 'auth') return registry.request('auth', { username: 'a', password } as never)
        return registry.get({ key: '/a' })
      })
      expect(shown).toBeDefined()
      for (const secret of [sessionId, value, password]) expect(shown).not.toContain(secret)
    }
  })
})

describe('class 28: a key is one member of one frame', () => {
  test.each(['/../x', '/a/%2e%2e/b', '/a?b', '/a#b', '/a\0b', '/a\n/b', '/a","key":"/b'])(
    '%j',
    async (key) => {
      await using daemon = await fakeDaemon(({ socket }) => void answer(socket, 0x04, entry('x')))
      await using registry = await connectRegistry({ socket: daemon.path })
      const refused = await registry.get({ key }).then(
        () => false,
        () => true,
      )
      // As it is, for the daemon to refuse, or not at all; never repaired.
      expect(daemon.asked.map(({ payload }) => payload)).toEqual(refused ? [] : [{ key }])
    },
  )
})
