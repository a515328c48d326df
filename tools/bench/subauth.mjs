// The socket of subauth: what a request costs over a bare packet, and whether the time of a refused login tells that the
// name is known.
import assert from 'node:assert/strict'
import { randomBytes, randomInt } from 'node:crypto'
import { join } from 'node:path'
import { nativeProblem } from '@secreg/unix-socket'
import { paired, rateAndTail } from './measure.mjs'
import { askPacket, loadPackets, openPackets } from './packets.mjs'
import { start } from './processes.mjs'
import { record } from './report.mjs'
import { startSubauth, ZONE } from './subauth-daemon.mjs'
import { chanceOf, median } from './two-samples.mjs'

const TOTAL = 20_000
/** What is refused, in how many tries of each sample, and held back how long: without that, and as it is by default. */
const REFUSALS = [
  { form: 'password', tries: 60, delayMs: 0 },
  { form: 'token', tries: 3000, delayMs: 0 },
  { form: 'token', tries: 1000, delayMs: 10 },
]
const KNOWN = 60
const OK = '{"error":""}'

export async function benchSubauth(root, directory) {
  const problem = nativeProblem()
  if (problem !== undefined) {
    record('subauth', undefined, { figures: problem })
    return
  }
  const known = Array.from({ length: KNOWN }, (_, i) => `user-${i}`)
  const daemon = await startSubauth(root, directory, known)
  const echo = await start(join(root, 'tools/bench/seqpacket-echo.mjs'), join(directory, 'e'), OK)
  try {
    const { token } = await asked(daemon, { cmd: 'create-token', zone: ZONE })
    const requests = {
      nop: { cmd: 'nop' },
      'login by a token': { cmd: 'login', zone: ZONE, passwd: token },
    }
    for (const [name, request] of Object.entries(requests)) {
      for (const connections of [1, 16])
        await roundTrips(daemon, directory, { name, request, connections })
    }
    for (const refusal of REFUSALS) await loginTimes(daemon, known, refusal)
  } finally {
    await echo.stop()
    await daemon.stop()
  }
}

async function roundTrips(daemon, directory, { connections, name, request }) {
  const shape = { connections, total: TOTAL, request, expected: OK }
  const paths = [daemon.door, join(directory, 'e')]
  for (const path of paths) await loadPackets(path, { ...shape, total: TOTAL / 4 })
  const [ours, bare] = await paired(...paths.map((path) => () => loadPackets(path, shape)))
  record(
    `subauth ${name} over a bare packet, ${connections} × 1`,
    ours.perSecond / bare.perSecond,
    {
      figures: `${rateAndTail(ours)}; bare ${rateAndTail(bare)}`,
    },
  )
}

/** Names that there are and others, in turn. */
async function loginTimes(daemon, known, { delayMs, form, tries }) {
  const passwd = form === 'token' ? 'abcd-wrong' : 'wrong'
  await daemon.holdBack(delayMs)
  const connection = await openPackets(daemon.door)
  const times = { known: [], unknown: [] }
  const answers = new Set()
  for (let at = 0; at < tries; at++) {
    const names = [
      ['known', known[at % known.length]],
      ['unknown', `ghost-${randomBytes(4).toString('hex')}`],
    ]
    // Whichever comes first pays for whatever was going on before.
    if (randomInt(2) === 1) names.reverse()
    for (const [kind, login] of names) {
      const packet = Buffer.from(JSON.stringify({ cmd: 'login', zone: ZONE, login, passwd }))
      const { answer, tookMs } = await connection.ask(packet)
      answers.add(JSON.stringify(answer))
      times[kind].push(tookMs)
    }
  }
  connection.close()
  assert.equal(answers.size, 1, 'all are told alike')
  assert.notEqual(JSON.parse([...answers][0]).error, '')
  const medians = { known: median(times.known), unknown: median(times.unknown) }
  const shift = medians.unknown - medians.known
  const chance = chanceOf(times.known, times.unknown, 1000)
  record(
    `subauth login of an unknown user over one of a known user, wrong ${form}${delayMs === 0 ? '' : `, refusals held back ${delayMs} ms`}`,
    medians.unknown / medians.known,
    {
      figures: `${tries} of each; known ${medians.known.toFixed(3)} ms, unknown ${shift >= 0 ? '+' : ''}${(shift * 1000).toFixed(1)} µs; p ${chance.toFixed(2)} by permutation of medians`,
    },
  )
}

async function asked(daemon, request) {
  const answer = await askPacket(daemon.door, request)
  assert.equal(answer.error, '')
  return answer
}
