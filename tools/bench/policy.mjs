// Policy decisions by number of rules, beside engines that people use, on the same policies, after the answers have been
// shown to be equal. The others are no dependency of ours: they are measured where `tools/bench/peers` has been installed.
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { compile } from '@secreg/policy-engine'
import { percentile } from './load.mjs'
import { rate, repeatSync } from './measure.mjs'
import { SUBJECT, workload } from './policy-workload.mjs'
import { record } from './report.mjs'

const COUNTS = [10, 1_000, 10_000, 100_000]
const PEERS = ['cedar', 'casbin']
/** Longest time for a peer on one policy, its preparation included. */
const LIMIT_S = 180
const TIMED = 200_000
const ROUNDS = 7

/** Ours on one policy, with all its states made. */
function prepareOurs({ rules, requests }) {
  const begin = performance.now()
  const policy = compile([
    {
      id: 'bench',
      rules: rules.map(({ effect, kind, name, action, folder }, index) => ({
        id: `r${index}`,
        effect,
        principals: [`${kind}:${name}`],
        actions: [action],
        resources: [`${folder}/**`],
      })),
    },
  ])
  const preparedMs = performance.now() - begin
  const subject = policy.subject(Object.entries(SUBJECT).map(([kind, name]) => `${kind}:${name}`))
  const decide = ({ action, path }) => policy.decide({ subject, action, resource: path }).decision
  for (const request of requests) decide(request)
  return { decide, preparedMs }
}

/** All sizes in turn and each one's median: the machine drifts, and all must drift alike. */
function measureOurs(works) {
  const prepared = works.map((work) => ({ ...prepareOurs(work), requests: work.requests }))
  const rates = works.map(() => [])
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, { decide, requests }] of prepared.entries()) {
      const run = (at) => decide(requests[at % requests.length])
      rates[index].push(repeatSync(run, { count: 400_000 }).perSecond)
    }
  }
  return prepared.map((one, index) => ({
    ...one,
    perSecond: rates[index].sort((x, y) => x - y)[ROUNDS >> 1],
    micros: timesOf(one),
  }))
}

/** Each call on its own, with the clock's share in it. */
function timesOf({ decide, requests }) {
  return Array.from({ length: TIMED }, (_, at) => {
    const request = requests[at % requests.length]
    const before = performance.now()
    decide(request)
    return (performance.now() - before) * 1000
  })
}

/** What a peer answers in its own process, or what became of it. */
function askPeer(root, engine, count) {
  return new Promise((resolve) => {
    const child = fork(join(root, 'tools/bench/peers/child.mjs'), [engine, String(count)])
    let why = `no answer within ${LIMIT_S} s`
    const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_S * 1000)
    child.once('message', (answer) => {
      clearTimeout(timer)
      resolve({ answer })
    })
    child.once('exit', (code) => {
      clearTimeout(timer)
      if (code !== null && code !== 0) why = `ended with ${code}`
      resolve({ why })
    })
  })
}

export async function benchPolicy(root) {
  const works = COUNTS.map(workload)
  const ours = measureOurs(works)
  for (const [index, count] of COUNTS.entries()) {
    const name = `policy decisions a second with ${count} rules, in millions`
    const floor = count === 10_000 ? { floor: 1 } : {}
    record(name, ours[index].perSecond / 1e6, { ...floor, figures: told(ours[index]) })
  }
  const [few, , many] = ours
  record('policy decision with 10000 rules, over that with 10', few.perSecond / many.perSecond, {
    floor: 2,
    kind: 'max',
    figures: `10: ${rate(few)}; 10000: ${rate(many)}`,
  })

  if (!existsSync(join(root, 'tools/bench/peers/node_modules'))) {
    console.error('policy: for the figures of others, first: npm ci --prefix tools/bench/peers')
    return
  }
  for (const engine of PEERS) {
    for (const [index, count] of COUNTS.entries()) {
      await comparePeer(root, engine, count, works[index], ours[index])
    }
  }
}

async function comparePeer(root, engine, count, work, own) {
  const name = `policy decision of ${engine} with ${count} rules, over ours`
  const { answer, why } = await askPeer(root, engine, count)
  if (answer === undefined) {
    record(name, undefined, { figures: `ours ${told(own)}; ${engine}: **${why}**` })
    return
  }
  const { decisions, micros, preparedMs } = answer
  assert.deepEqual(decisions, work.requests.slice(0, decisions.length).map(own.decide), name)
  const allowed = decisions.filter((decision) => decision === 'allow').length
  assert.ok(allowed > 0 && allowed < decisions.length, `${name}: nothing to tell apart`)
  const perSecond = (micros.length / micros.reduce((sum, one) => sum + one, 0)) * 1e6
  const theirs = told({ perSecond, micros, preparedMs })
  const same = `the same answers to ${decisions.length} requests, ${allowed} allowed`
  record(name, own.perSecond / perSecond, {
    figures: `ours ${told(own)}; ${engine} ${theirs}; ${same}`,
  })
}

function told({ perSecond, micros, preparedMs }) {
  const sorted = micros.toSorted((a, b) => a - b)
  const [half, tail] = [0.5, 0.99].map((part) => percentile(sorted, part).toPrecision(2))
  const prepared = (preparedMs / 1000).toPrecision(2)
  return `${Math.round(perSecond)}/s, p50 ${Number(half)} µs, p99 ${Number(tail)} µs, prepared in ${prepared} s`
}
