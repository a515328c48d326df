// What all loads have in common: so many requests over some connections, so many in flight on each, each of them timed.

/**
 * Ask `total` times. The next is asked as soon as one is answered.
 *
 * @param open - a connection, which emits `error` and `close`
 * @param ask - sends `count` requests over a connection, the first of which is the `at`th of all
 * @param listen - to a connection: calls `answered(count)` when answers have come, in the order of their requests, or
 *   `fail(error)`
 * @returns requests per second, and the latencies in milliseconds, sorted
 */
export async function drive({ connections, inFlight = 1, total }, { open, ask, listen }) {
  const sockets = await Promise.all(Array.from({ length: connections }, open))
  const latencies = new Float64Array(total)
  let asked = 0
  let answered = 0
  const begin = performance.now()
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise((resolve, reject) => {
          const sent = []
          const next = (most) => {
            const count = Math.min(most, total - asked)
            if (count > 0) {
              const nowMs = performance.now()
              for (let i = 0; i < count; i++) sent.push(nowMs)
              asked += count
              ask(socket, asked - count, count)
            } else if (sent.length === 0) {
              resolve()
            }
          }
          socket.on('error', reject)
          socket.on('close', () => {
            if (sent.length > 0) reject(new Error('closed early'))
          })
          const onAnswers = (count) => {
            const nowMs = performance.now()
            for (let i = 0; i < count; i++) latencies[answered++] = nowMs - sent.shift()
            next(count)
          }
          listen(socket, onAnswers, reject)
          next(inFlight)
        }),
    ),
  )
  const seconds = (performance.now() - begin) / 1000
  for (const socket of sockets) socket.destroy()
  return { perSecond: total / seconds, latencies: latencies.subarray(0, answered).sort() }
}

/**
 * Call `total` times, each caller one call after the other.
 *
 * @param call - of a caller, the `at`th of all
 * @returns as {@link drive}
 */
export async function driveCalls(callers, total, call) {
  const latencies = new Float64Array(total)
  let begun = 0
  let done = 0
  const begin = performance.now()
  const callOn = async (caller) => {
    while (begun < total) {
      const sentMs = performance.now()
      await call(caller, begun++)
      latencies[done++] = performance.now() - sentMs
    }
  }
  await Promise.all(callers.map(callOn))
  const seconds = (performance.now() - begin) / 1000
  return { perSecond: total / seconds, latencies: latencies.sort() }
}
