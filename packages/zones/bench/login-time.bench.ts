/**
 * Whether the time of a refusal tells who has an account: attempts of each kind in random order, each kind against a
 * name that nobody has. `unknown again` is the same kind twice, and shows what the test says where nothing differs.
 *
 * `free` costs nothing to derive, so that the difference of our own steps shows; `floor` and `default` are scrypt.
 */
import { DEFAULT_SCRYPT, SCRYPT_FLOOR, type Scrypt, type ScryptParams } from '@secreg/crypto'
import { createScryptPool, nodeBackend } from '@secreg/crypto/node'
import {
  AttemptLimiter,
  createPasswordChecker,
  createPasswordHasher,
  hashNewPassword,
  type NewAccount,
  planCreateAccessToken,
  planCreateAccount,
  planDisableAccount,
  readAccountByLogin,
  sourceOfUid,
  verifyAccessToken,
  verifyPasswordLogin,
} from '@secreg/zones'
import { bench, describe } from 'vitest'
import { compare, median } from './mann-whitney.ts'

const rows = new Map<string, Uint8Array>()
const when = { nowMs: 1_700_000_000_000, crypto: nodeBackend }
const source = sourceOfUid(1000)
const nowMs = () => performance.now()
/** Two passwords of different lengths differ, which is all that is asked of it. */
const free: Scrypt = async (password, _salt, { length }) =>
  new Uint8Array(length).fill(password.length)

function apply({ ops }: ReturnType<typeof planCreateAccount>): void {
  for (const op of ops) op.type === 'put' ? rows.set(op.key, op.value) : rows.delete(op.key)
}

/** Names of the same length, so that nothing but what is stored differs. */
const KINDS = {
  'wrong password': 'known-user-1',
  'without password': 'known-user-2',
  disabled: 'known-user-3',
  'unknown again': 'nobody-at-al',
}
const UNKNOWN = 'nobody-at-al'

async function prepare(scrypt: Scrypt, params: ScryptParams) {
  rows.clear()
  const hasher = createPasswordHasher({ scrypt, params, backend: nodeBackend })
  const password = await hashNewPassword(hasher, 'Correct-Horse-9')
  const accounts: NewAccount[] = [
    { login: 'known-user-1', roles: ['user'], password },
    { login: 'known-user-2', roles: ['user'] },
    { login: 'known-user-3', roles: ['user'], password },
  ]
  const ids = accounts.map((wanted) => {
    const plan = planCreateAccount(rows, wanted, when)
    apply(plan)
    return plan.account.id
  })
  apply(planDisableAccount(rows, ids[2] as string, when))
  const checker = createPasswordChecker(hasher)
  return async (login: string): Promise<number> => {
    const limiter = new AttemptLimiter({ nowMs })
    const find = (name: string) => readAccountByLogin(rows, name)
    const startMs = nowMs()
    try {
      await verifyPasswordLogin({ limiter, checker, find }, { login, password: 'wrong', source })
    } catch {
      return nowMs() - startMs
    }
    throw new Error('a wrong password was let in')
  }
}

async function sample<K extends string>(
  kinds: readonly K[],
  times: number,
  run: (kind: K) => number | Promise<number>,
): Promise<Record<K, number[]>> {
  const samples = Object.fromEntries(kinds.map((kind) => [kind, [] as number[]]))
  for (let round = -Math.ceil(times / 50); round < times; round++) {
    for (const kind of [...kinds].sort(() => Math.random() - 0.5)) {
      const tookMs = await run(kind)
      if (round >= 0) samples[kind]?.push(tookMs)
    }
  }
  return samples as Record<K, number[]>
}

function report(title: string, base: string, samples: Record<string, number[]>): void {
  const first = samples[base] as number[]
  const us = (ms: number) => `${(ms * 1000).toFixed(1)} µs`
  console.log(`${title}: ${first.length} of each, median of "${base}" ${us(median(first))}`)
  for (const [kind, second] of Object.entries(samples)) {
    if (kind === base) continue
    const { shift, superiority, p } = compare(first, second)
    console.log(
      `  ${kind.padEnd(18)} ${us(shift).padStart(12)} slower, superiority ${superiority.toFixed(3)}, p ${p.toPrecision(2)}`,
    )
  }
}

const names: Record<string, string> = { unknown: UNKNOWN, ...KINDS }
const pool = createScryptPool({ workers: 1 })
for (const [title, scrypt, params, times] of [
  ['login, free derivation', free, SCRYPT_FLOOR, 5000],
  ['login, scrypt at the floor (2^15)', pool.scrypt, SCRYPT_FLOOR, 250],
  ['login, scrypt as by default (2^17)', pool.scrypt, DEFAULT_SCRYPT, 60],
] as const) {
  const attempt = await prepare(scrypt, params)
  const kinds = Object.keys(names)
  const samples = await sample(kinds, times, (kind) => attempt(names[kind] as string))
  report(title, 'unknown', samples)
}
await pool.close()

const attempt = await prepare(free, SCRYPT_FLOOR)
const owner = readAccountByLogin(rows, 'known-user-1')
const made = planCreateAccessToken(rows, { account: owner?.id ?? '', boundary: 'full' }, when)
for (const op of made.ops) if (op.type === 'put') rows.set(op.key, op.value)
const secret = 'A'.repeat(43)
const texts: Record<string, string> = {
  'unknown ident': `sreg_${'1'.repeat(16)}_${secret}`,
  'known ident': `sreg_${made.token.ident}_${secret}`,
  'unknown again': `sreg_${'2'.repeat(16)}_${secret}`,
}
const verify = (kind: string): number => {
  const startMs = nowMs()
  if (verifyAccessToken(rows, texts[kind] as string, when) !== undefined) throw new Error('let in')
  return nowMs() - startMs
}
report(
  'token with a wrong secret',
  'unknown ident',
  await sample(Object.keys(texts), 20_000, verify),
)

describe('a refused login without the cost of scrypt', () => {
  for (const [kind, login] of Object.entries({ unknown: UNKNOWN, ...KINDS })) {
    bench(kind, async () => {
      await attempt(login)
    })
  }
})
