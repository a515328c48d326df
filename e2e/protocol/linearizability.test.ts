/**
 * Concurrent clients see one registry that does one thing after another, also across kill -9: recorded histories are
 * checked against the model of a versioned register.
 */
import { randomInt } from 'node:crypto'
import { connectRegistry, type RegistryConnection } from '@secreg/client'
import {
  checkLinearizable,
  type RegisterInput,
  type RegisterOutput,
  VERSIONED_REGISTER,
  waitFor,
} from '@secreg/testkit'
import { expect, test } from 'vitest'
import { connectAll, Recorder } from '../lib/recorder.ts'
import { startSite } from '../lib/site.ts'

const CLIENTS = 16
const KEYS = 8
const OPERATIONS = 10_000
const KILLS = process.env['SECREG_SOAK'] === '1' ? 8 : 2
const OPERATIONS_BETWEEN_KILLS = 1_500

/** A client that asks this and that, most eagerly where something has just happened. */
class Player {
  readonly client: number
  readonly #recorder: Recorder
  /** Latest version seen of each key. */
  readonly #seen = new Map<string, number>()
  #count = 0
  #again: string | undefined

  constructor(client: number, recorder: Recorder) {
    this.client = client
    this.#recorder = recorder
  }

  /** Ask one thing; answers whether the connection is still there. */
  async play(connection: RegistryConnection): Promise<boolean> {
    const key = this.#again ?? `/linear/${randomInt(KEYS)}`
    const input: RegisterInput = this.#again === undefined ? this.#choose(key) : { op: 'get' }
    const output = await this.#recorder.run(this.client, connection, key, input)
    this.#learn(key, input, output)
    return output !== undefined
  }

  #choose(key: string): RegisterInput {
    const value = `${this.client}.${this.#count++}`
    const kind = randomInt(10)
    if (kind < 3) return { op: 'get' }
    if (kind < 5) return { op: 'set', value }
    if (kind < 9) return { op: 'set', value, ifVersion: this.#seen.get(key) ?? 0 }
    return { op: 'delete' }
  }

  #learn(key: string, { op }: RegisterInput, output: RegisterOutput | undefined): void {
    if (typeof output === 'object' && output.version !== undefined) {
      this.#seen.set(key, output.version)
    }
    // What one was told must hold for the very next look.
    this.#again = op !== 'get' && output !== undefined && randomInt(2) === 0 ? key : undefined
  }
}

function expectLinearizable({ operations }: Recorder): void {
  const verdict = checkLinearizable(operations, VERSIONED_REGISTER)
  expect(verdict.ok, verdict.ok ? '' : verdict.message).toBe(true)
}

test(`${OPERATIONS} operations of ${CLIENTS} clients on ${KEYS} keys have an order that explains every answer`, async () => {
  await using running = await startSite()
  const recorder = new Recorder()
  const connections = await connectAll(CLIENTS, running.site.socket, running.admin.session)
  await Promise.all(
    connections.map(async (connection, client) => {
      const player = new Player(client, recorder)
      for (let n = 0; n < OPERATIONS / CLIENTS; n++) {
        expect(await player.play(connection)).toBe(true)
      }
      await connection.close()
    }),
  )
  expect(recorder.operations).toHaveLength(OPERATIONS)
  const outputs = recorder.operations.map(({ output }) => output)
  for (const refusal of ['absent', 'conflict']) expect(outputs).toContain(refusal)
  expectLinearizable(recorder)
})

test('of 64 check-and-sets on one version exactly one wins, and the others are told VERSION_CONFLICT', async () => {
  await using running = await startSite()
  const recorder = new Recorder()
  const key = '/linear/contended'
  const connections = await connectAll(CLIENTS, running.site.socket, running.admin.session)
  const first = connections[0] as RegistryConnection
  for (let version = 0; version < 50; version++) {
    // A check-and-set on a deleted version, as well as on a live one and on none.
    if (version % 5 === 4) await recorder.run(0, first, key, { op: 'delete' })
    const answers = await Promise.all(
      Array.from({ length: 64 }, async (_, n) => {
        const connection = connections[n % CLIENTS] as RegistryConnection
        const value = `${version}.${n}`
        const output = await recorder.run(n, connection, key, {
          op: 'set',
          value,
          ifVersion: version,
        })
        // Who has lost must be able to read what it lost against.
        await recorder.run(n, connection, key, { op: 'get' })
        return { value, output }
      }),
    )
    const winners = answers.filter(({ output }) => output !== 'conflict')
    expect(winners).toMatchObject([{ output: { version: version + 1 } }])
    const { value } = winners[0] as { value: string }
    expect(await first.get({ key })).toMatchObject({ value, version: version + 1 })
  }
  expectLinearizable(recorder)
  for (const connection of connections) await connection.close()
})

test(`what ${CLIENTS} clients see across ${KILLS} times kill -9 is one history`, {
  timeout: 60_000 + KILLS * 10_000,
}, async () => {
  await using running = await startSite()
  const { site } = running
  const recorder = new Recorder()
  const players = Array.from({ length: CLIENTS }, (_, client) => new Player(client, recorder))
  let { daemon } = running
  let session = running.admin.session
  for (let kill = 0; kill < KILLS; kill++) {
    const until = recorder.operations.length + randomInt(1, OPERATIONS_BETWEEN_KILLS)
    const playing = Promise.all(players.map((player) => playOn(player, site.socket, session)))
    const options = { intervalMs: 1, timeoutMs: 30_000 }
    await waitFor(() => recorder.operations.length >= until, options)
    await daemon.kill('SIGKILL')
    await playing
    daemon = await site.start()
    const admin = await site.unlock()
    session = admin.session
    admin.close()
  }
  const unknown = recorder.operations.filter(({ returnedAt }) => returnedAt === undefined)
  expect(unknown.length).toBeGreaterThanOrEqual(KILLS)

  const connection = await connectRegistry({ socket: site.socket, sessionId: session })
  for (let n = 0; n < KEYS; n++) {
    await recorder.run(CLIENTS, connection, `/linear/${n}`, { op: 'get' })
  }
  await connection.close()
  expectLinearizable(recorder)
})

/** Play until the daemon is gone. */
async function playOn(player: Player, socket: string, sessionId: string): Promise<void> {
  const connection = await connectRegistry({ socket, sessionId })
  while (await player.play(connection)) {}
  await connection.close()
}
