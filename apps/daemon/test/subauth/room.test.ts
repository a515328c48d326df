/** What the subauth door does while the disk of the audit log gets full; thresholds stand in for the disk. */
import { waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { freeBytes, runDaemon } from '../running-daemon.ts'
import { ALICE, BOB, open, ROOT, recordsOf, USERS } from './packets.ts'

const TIB = 1024 ** 4
const BUSY = { error: 'the server is busy; try again later' }
const OK = { error: '' }

const linesOf = (low: number, least: number): string =>
  `audit.free_warning = 0\naudit.free_low = ${low}\naudit.free_least = ${least}`

test('root goes on while there is little room, except for the logins of others', async (context) => {
  const running = await runDaemon(linesOf(0, 0), { users: USERS })
  if (freeBytes(running.home.path) >= TIB) context.skip('the disk has more room than a threshold')
  const admin = await running.initialize()
  await admin.zone({ op: 'add', zone: 'mail', allow_tokens: true, auto_create: true })
  const bring = async (level: string, lines: string): Promise<void> => {
    await running.daemon.configure(running.configOf(lines))
    await waitFor(async () =>
      (await running.daemon.host.metricsText()).includes(`audit_room_level{level="${level}"} 1`),
    )
  }
  const alice = open(running, ALICE)
  const root = open(running, ROOT)
  const createToken = { cmd: 'create-token', zone: 'mail' }
  const login = { cmd: 'login', zone: 'mail', login: 'alice', passwd: 'wrong' }
  expect(await alice.ask(createToken)).toMatchObject({ error: '' })

  await bring('low', linesOf(TIB, 0))
  const before = recordsOf(running).length
  const since = performance.now()
  expect(await alice.ask(createToken)).toEqual(BUSY)
  expect(await root.ask(login)).toEqual(BUSY)
  // One summary record for each of the two, and no other.
  await waitFor(() => recordsOf(running).length === before + 2)
  expect(recordsOf(running).slice(before)).toMatchObject([
    { action: 'auth', reason: 'BUSY', count: 1, actor: { uid: 1001 } },
    { action: 'auth', reason: 'BUSY', count: 1, actor: { uid: 0 } },
  ])
  for (let count = 0; count < 20; count++) await alice.ask(createToken)
  const records = recordsOf(running).length - before
  expect(records).toBeLessThanOrEqual(2 * (1 + Math.ceil((performance.now() - since) / 1000)))
  expect(await alice.ask({ cmd: 'nop' })).toEqual(OK)
  expect(await root.ask({ cmd: 'create-acct', zone: 'mail', login: 'bob' })).toEqual(OK)
  // Not even a packet of another user leaves a record of its own.
  const { socket } = open(running, ALICE)
  socket.put({ cmd: 'nop' }, BOB)
  expect(await socket.reply()).toEqual({
    error: 'the server does not serve this now; try again later',
  })

  await bring('least', linesOf(0, TIB))
  const last = recordsOf(running).length
  expect(await root.ask({ cmd: 'create-acct', zone: 'mail', login: 'alice' })).toEqual({
    error: 'internal error',
  })
  expect(await root.ask({ cmd: 'nop' })).toEqual(OK)
  // What was counted before may still be on its way.
  const later = recordsOf(running).slice(last)
  expect(later.filter(({ reason }) => reason !== 'BUSY')).toEqual([])

  await bring('ok', linesOf(0, 0))
  expect(await alice.ask(createToken)).toMatchObject({ error: '' })
})
