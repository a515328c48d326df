/**
 * Uses of tokens, revocations, codes, groups and policies under kill -9 at random moments: what was acknowledged holds,
 * and what opens something once never opens it twice. Durability class of every change: synced (DESIGN §2).
 * Rounds: `SECREG_SOAK_ROUNDS`, 6 unless told.
 */
import { randomBytes, randomInt } from 'node:crypto'
import { waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { Lawgiver, Member } from '../lib/access-writers.ts'
import { CodeUser } from '../lib/code-writer.ts'
import type { IdentityWriter } from '../lib/identity-writer.ts'
import { readLog, Site } from '../lib/site.ts'
import { Revoker, TokenUser } from '../lib/token-writers.ts'
import { Wire } from '../lib/wire.ts'

const ROUNDS = Number(process.env['SECREG_SOAK_ROUNDS'] ?? 6)

test(`kill -9 under uses of tokens, revocations, codes, groups and policies: nothing is lost and nothing is good twice, ${ROUNDS} times`, {
  timeout: 60_000 + ROUNDS * 20_000,
}, async () => {
  await using site = new Site()
  const key = site.home.write('key', randomBytes(32))
  // Codes that are shown again are failures, which are not what is looked at here.
  const config = `rate_limit_attempts = 100\n[unlock]\nkey_file = ${JSON.stringify(key)}`
  site.configure({ config })
  const tokens = [new TokenUser(), new TokenUser()]
  const revoker = new Revoker()
  const holders = [new CodeUser('a'), new CodeUser('b')]
  const writers: readonly IdentityWriter[] = [
    ...tokens,
    revoker,
    ...holders,
    ...['a', 'b'].flatMap((name) => [new Member(name), new Lawgiver(name)]),
  ]
  const steps = new Map<IdentityWriter, number>(writers.map((writer) => [writer, 0]))
  let daemon = await site.start()
  let admin = await site.initialize()
  for (const writer of writers) await writer.prepare(admin)

  for (let round = 0; round < ROUNDS; round++) {
    const killAt = randomInt(1, 80)
    const { session } = admin
    let dying = false
    let seen = 0
    const work = writers.map(async (writer) => {
      using wire = await Wire.open(site.socket)
      wire.session = session
      for (;;) {
        try {
          await writer.step(wire, site.socket)
        } catch (error) {
          // Only the end of the daemon is a reason to fail.
          if (dying && isGone(error)) return
          throw error
        }
        seen++
        steps.set(writer, (steps.get(writer) ?? 0) + 1)
      }
    })
    const done = Promise.all(work)
    // The first round is as long as it takes that everybody had a turn.
    const ripe = () =>
      seen >= killAt && (round > 0 || [...steps.values()].every((count) => count > 0))
    await Promise.race([done, waitFor(ripe, { intervalMs: 1, timeoutMs: 30_000 })])
    // Not only right behind an answer: also in the middle of what follows it.
    for (let turns = randomInt(0, 300); turns > 0; turns--) {
      await new Promise((resume) => setImmediate(resume))
    }
    dying = true
    await daemon.kill('SIGKILL')
    await done
    admin.close()

    daemon = await site.start()
    admin = await site.admin()
    for (const writer of writers) await writer.check(admin, site.socket)
    // What was interrupted can be done again.
    for (const writer of writers) await writer.step(admin, site.socket)
    for (const writer of writers) await writer.check(admin, site.socket)
    const { lines, torn } = readLog(site.audit)
    expect(torn).toBe('')
    for (const writer of writers) writer.checkLog(lines)
  }
  for (const count of steps.values()) expect(count).toBeGreaterThan(0)
  expect(tokens.every(({ tokens }) => tokens.length > 1)).toBe(true)
  expect(revoker.revoked.length).toBeGreaterThan(1)
  expect(holders.every(({ logins }) => logins > 1)).toBe(true)
  const { ok, findings } = await admin.ok('security', { op: 'audit' })
  expect(ok, JSON.stringify(findings)).toBe(true)
  admin.close()
})

/** Whether something failed because nobody is there. */
function isGone(error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException
  return message === 'the server closed' || code === 'ECONNREFUSED' || code === 'ECONNRESET'
}
