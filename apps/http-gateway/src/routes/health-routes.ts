/** `GET /health`: whether the process answers. `GET /ready`: whether requests would be served. */
import type { Relay } from '../relay/relay.ts'
import { type Answer, jsonAnswer, retryAfter } from '../server/answer.ts'
import type { Route } from './route.ts'

const READING: readonly string[] = Object.freeze(['GET', 'HEAD'])

/** How long an answer of the daemon is told again, milliseconds: anybody may ask. */
const KEPT_MS = 1000

/** Longest wait for it, milliseconds. */
const TIMEOUT_MS = 2000

export function healthRoute(isDraining: () => boolean): Route {
  return {
    name: 'health',
    path: '/health',
    methods: READING,
    answer: () =>
      isDraining() ? jsonAnswer(503, { status: 'draining' }) : jsonAnswer(200, { status: 'ok' }),
  }
}

/** @param now - milliseconds, of a clock that never goes back; default that of the process */
export function readyRoute(
  relay: Pick<Relay, 'status'>,
  isDraining: () => boolean,
  now: () => number = () => performance.now(),
): Route {
  let state = 'unreachable'
  let knownUntil = Number.NEGATIVE_INFINITY
  let asking: Promise<void> | undefined
  const ask = async (): Promise<void> => {
    try {
      ;({ state } = await relay.status({ timeoutMs: TIMEOUT_MS }))
    } catch {
      state = 'unreachable'
    }
    knownUntil = now() + KEPT_MS
    asking = undefined
  }
  return {
    name: 'ready',
    path: '/ready',
    methods: READING,
    answer: async (): Promise<Answer> => {
      if (isDraining()) return jsonAnswer(503, { state: 'draining' })
      if (now() >= knownUntil) {
        asking ??= ask()
        await asking
      }
      const ready = state === 'unsealed'
      return jsonAnswer(ready ? 200 : 503, { state }, ready ? [] : retryAfter(1))
    },
  }
}
