// One engine on one policy, in a process of its own that can be ended: `child.mjs ENGINE RULES`. Tells how long it
// prepared, then its decisions on the first requests, each with its time.
import { SUBJECT, workload } from '../policy-workload.mjs'

/** It stops after so many requests, or after so long, but not before so few. */
const MOST = 2000
const LONGEST_MS = 15_000
const FEWEST = 20
/** Calls before any counts, or time for them. */
const WARM_UP = 1000
const WARM_UP_MS = 2_000

const [engine, count] = process.argv.slice(2)
const { prepare } = await import(`./${engine}.mjs`)
const work = workload(Number(count))
const begin = performance.now()
const decide = await prepare(work, SUBJECT)
const preparedMs = performance.now() - begin

const warm = performance.now()
for (const request of work.requests.slice(-WARM_UP)) {
  decide(request)
  if (performance.now() - warm > WARM_UP_MS) break
}

const decisions = []
const micros = []
const started = performance.now()
for (const request of work.requests.slice(0, MOST)) {
  const before = performance.now()
  decisions.push(decide(request))
  micros.push((performance.now() - before) * 1000)
  if (decisions.length >= FEWEST && performance.now() - started > LONGEST_MS) break
}
process.send({ preparedMs, decisions, micros })
