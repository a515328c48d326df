/**
 * Servers of secrets that misbehave: what is answered then, what it costs, and that the circuit opens and closes again.
 * OpenBao is logged in to by an AppRole, Vault by a token.
 */
import { readFileSync } from 'node:fs'
import { waitFor } from '@secreg/testkit'
import { Kv2StandIn } from '@secreg/testkit/kv2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MIB } from '../lib/gateway-processes.ts'
import { processTree } from '../lib/process-image.ts'
import { expectCode, expectReply, type SecretsReply } from '../lib/secrets-call.ts'
import { memoryOf, peakDuring } from '../lib/secrets-memory.ts'
import { OPEN, openSecretsDesk, SALT, type SecretsDesk } from '../lib/secrets-site.ts'

const STRIPE = 'payments/stripe#api_key'
const CALL_MS = 2000

/** Another server, which only the AppRole of it may log in to. */
let bao: Kv2StandIn
let desk: SecretsDesk
let roleSecret: string
beforeAll(async () => {
  bao = await Kv2StandIn.start()
  const { roleId, secretId } = bao.addRole()
  roleSecret = secretId
  desk = await openSecretsDesk({
    env: {
      ...OPEN,
      VAULT_TIMEOUT: String(CALL_MS / 1000),
      OPENBAO_URL: bao.url,
      OPENBAO_ROLE_ID: roleId,
      OPENBAO_SECRET_ID: secretId,
    },
  })
  await seedBao()
  // On a busy machine, the first call may take too long.
  await waitFor(async () => (await vault()).status === 200 && (await openbao()).status === 200, {
    timeoutMs: 40_000,
  })
})
afterAll(async () => {
  await desk?.[Symbol.asyncDispose]()
})

async function seedBao(): Promise<void> {
  await fetch(`${bao.url}/v1/secret/data/payments/stripe`, {
    method: 'POST',
    headers: { 'X-Vault-Token': bao.rootToken, 'Content-Type': 'application/json' },
    body: JSON.stringify({ data: { api_key: 'of bao' } }),
  })
}

const vault = (): Promise<SecretsReply> => desk.caller.value(`hashicorp+kv2://secret/${STRIPE}`)
const openbao = (): Promise<SecretsReply> => desk.caller.value(`openbao+kv2://secret/${STRIPE}`)
const isValue = ({ target }: { target: string }): boolean => target.includes('/data/')

/** It works before and after, so that no fault is taken for another, and the circuit stays closed. */
async function withFault(
  fault: Parameters<Kv2StandIn['fail']>[0],
  run: () => Promise<void>,
  when = isValue,
): Promise<void> {
  expectReply(await vault(), 200, { value: 'sk' })
  const end = desk.standIn.fail(fault, 1000, when)
  try {
    await run()
  } finally {
    end()
  }
  expectReply(await vault(), 200, { value: 'sk' })
}

/** The words of a server are its own. */
const SAID = 'words of the server'

describe('R17: a server', () => {
  test('that fails', async () => {
    const errors = [SAID]
    await withFault({ kind: 'status', status: 500, errors }, async () => {
      const reply = expectCode(await vault(), 502, 'PROVIDER_ERROR')
      expect(reply.text).not.toContain(SAID)
    })
  })

  test('that hangs up', async () => {
    for (const kind of ['reset', 'truncate'] as const) {
      await withFault({ kind }, async () => {
        expectCode(await vault(), 502, 'PROVIDER_ERROR', kind)
      })
    }
  })

  test('that takes too long', async () => {
    // Were the end of it waited for, there would be an answer.
    await withFault({ kind: 'delay', ms: 2 * CALL_MS }, async () => {
      expectCode(await vault(), 502, 'PROVIDER_TIMEOUT')
    })
  })

  test('that denies is asked once more after another login, where there is one', async () => {
    await withFault({ kind: 'status', status: 403, errors: [SAID] }, async () => {
      expectCode(await vault(), 502, 'PROVIDER_ERROR')
    })
    const logins = () => bao.requests.filter(({ target }) => target.endsWith('/login')).length
    expectReply(await openbao(), 200, { value: 'of bao' })
    const before = logins()
    bao.revokeTokens()
    expectReply(await openbao(), 200, { value: 'of bao' })
    expect(logins()).toBe(before + 1)
    const end = bao.fail({ kind: 'status', status: 403 }, 1000, isValue)
    expectCode(await openbao(), 502, 'PROVIDER_ERROR')
    end()
    expect(logins()).toBe(before + 2)
  })

  test('that is sealed', async () => {
    expectReply(await openbao(), 200)
    bao.seal()
    const reply = expectCode(await openbao(), 503, 'PROVIDER_UNAVAILABLE')
    expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0)
    bao.unseal()
    expectReply(await openbao(), 200, { value: 'of bao' })
  })

  test('that is asked too much', async () => {
    const headers = { 'Retry-After': '7' }
    await withFault({ kind: 'status', status: 429, headers }, async () => {
      const reply = expectCode(await vault(), 429, 'PROVIDER_BUSY')
      expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0)
    })
  })
})

describe('R18: a server that sends elsewhere', () => {
  test('is not followed there, and nobody there gets the token', async () => {
    await using other = await Kv2StandIn.start()
    const { port } = new URL(other.url)
    for (const to of [other.url, `http://localhost:${port}`, `https://127.0.0.1:${port}`]) {
      await withFault({ kind: 'redirect', to }, async () => {
        expectCode(await vault(), 502, 'PROVIDER_ERROR', to)
      })
    }
    expect(other.requests).toEqual([])
    expect(other.connections).toBe(0)
  })

  test('is followed to itself', async () => {
    const end = desk.standIn.fail({ kind: 'redirect', to: desk.standIn.url }, 1, isValue)
    expectReply(await vault(), 200, { value: 'sk' })
    end()
  })
})

describe('an answer', () => {
  test('that is none', async () => {
    for (const text of ['<html>', '', '[]', '{"data":7}', '{"data":{"data":[]}}', '"x"', 'null']) {
      await withFault({ kind: 'garbage', text }, async () => {
        expectCode(await vault(), 502, 'PROVIDER_ERROR', text)
      })
    }
  })

  test('of 100 MiB costs neither time nor memory', async () => {
    const { pid } = desk.running.daemon
    expectReply(await vault(), 200)
    const before = memoryOf(pid)
    const end = desk.standIn.fail({ kind: 'huge', bytes: 100 * MIB }, 1000, isValue)
    const asked = Promise.all([vault(), vault()])
    const peak = await peakDuring(pid, asked)
    end()
    for (const reply of await asked) expectCode(reply, 502, 'PROVIDER_ERROR')
    expect(peak - before).toBeLessThan(64 * MIB)
    expect(desk.standIn.bytesOfHuge).toBeLessThan(50 * MIB)
    expectReply(await vault(), 200, { value: 'sk' })
  })

  test('of many at once keeps no other waiting', async () => {
    const end = bao.fail({ kind: 'delay', ms: 100 }, 1000, isValue)
    const slow = Array.from({ length: 60 }, openbao)
    expectReply(await vault(), 200, { value: 'sk' })
    for (const { status, json } of await Promise.all(slow)) {
      expect([200, 429], JSON.stringify(json)).toContain(status)
    }
    end()
    expectReply(await openbao(), 200)
  })
})

test('the process that asks servers is started again when it is killed', async () => {
  const { pid } = desk.running.daemon
  const children = () => processTree(pid).filter((one) => one !== pid)
  const before = children()
  expect(before).not.toEqual([])
  const end = desk.standIn.fail({ kind: 'delay', ms: CALL_MS / 2 }, 1, isValue)
  const asked = vault()
  await waitFor(() => desk.standIn.requests.at(-1)?.target.includes('/data/payments'))
  for (const child of before) process.kill(child, 'SIGKILL')
  // A read that was under way may be asked again.
  expect([200, 502]).toContain((await asked).status)
  end()
  await waitFor(async () => (await vault()).status === 200)
  expect(children()).not.toEqual(before)
})

test('a circuit opens when a server is down, and closes when it is back', async () => {
  const opened = await desk.metric('provider_circuit_open_total')
  const end = bao.fail({ kind: 'reset' }, 1_000_000)
  await waitFor(async () => (await openbao()).status === 503, { intervalMs: 50 })
  expect(await desk.metric('provider_circuit_open_total')).toBe(opened + 1)
  const before = bao.requests.length
  for (let time = 0; time < 20; time++) {
    const reply = expectCode(await openbao(), 503, 'PROVIDER_UNAVAILABLE')
    expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0)
  }
  expect(bao.requests.length).toBe(before)
  expectReply(await vault(), 200, { value: 'sk' })
  end()
  await waitFor(async () => (await openbao()).status === 200, {
    timeoutMs: 40_000,
    intervalMs: 500,
    what: 'the circuit to close',
  })
})

test('a server that is not there has failed', async () => {
  const { port } = bao
  await bao.close()
  const reply = expectCode(await openbao(), 502, 'PROVIDER_ERROR')
  expect(reply.text).not.toContain(String(port))
  expectReply(await vault(), 200, { value: 'sk' })
})

test('what the daemon starts has none of the credentials in its environment', () => {
  const { pid } = desk.running.daemon
  const children = processTree(pid).filter((one) => one !== pid)
  expect(children).not.toEqual([])
  for (const child of children) {
    const environment = readFileSync(`/proc/${child}/environ`, 'utf8')
    for (const secret of [SALT, desk.standIn.rootToken, roleSecret]) {
      expect(environment.includes(secret)).toBe(false)
    }
    const command = readFileSync(`/proc/${child}/cmdline`, 'utf8')
    expect(command).not.toContain(desk.standIn.rootToken)
  }
})

test('no value, no credential and no word of a server is where it was not told', async () => {
  await desk.expectNoLeak()
  const { site } = desk.running
  for (const child of [...site.children, ...site.gateways]) {
    expect(child.stdout() + child.stderr()).not.toContain(SAID)
  }
  for (const text of desk.caller.told) expect(text).not.toContain(SAID)
})
