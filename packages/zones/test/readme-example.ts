import { nobleBackend, SCRYPT_FLOOR } from '@secreg/crypto'
import * as zones from '@secreg/zones'

// What the owner of the rows provides: a view, and a commit. Here a map.
const rows = new Map<string, Uint8Array>()
const commit = ({ ops }: Pick<zones.AccountPlan, 'ops'>): void => {
  for (const op of ops) op.type === 'put' ? rows.set(op.key, op.value) : rows.delete(op.key)
}

const nowMs = () => performance.now()
const hasher = zones.createPasswordHasher({ params: SCRYPT_FLOOR })
const checker = zones.createPasswordChecker(hasher)
const limiter = new zones.AttemptLimiter({ nowMs })
const sessions = new zones.SessionTable({ nowMs, crypto: nobleBackend })

// An administrator. The hash is the proof that the password passed the policy.
const password = await zones.hashNewPassword(hasher, 'Correct-Horse-9', { login: 'alice' })
const now = { nowMs: Date.now(), crypto: nobleBackend }
commit(zones.planCreateAccount(rows, { login: 'alice', roles: ['admin'], password }, now))

// A login from a local peer with uid 1000.
const { epoch } = sessions
const account = await zones.verifyPasswordLogin(
  { limiter, checker, find: (login) => zones.readAccountByLogin(rows, login) },
  { login: 'Alice', password: 'Correct-Horse-9', source: zones.sourceOfUid(1000) },
)
const opened = sessions.open({ ...account, accountId: account.id, mfa: false, uid: 1000 }, epoch)
if (opened === undefined) throw new Error('an account changed meanwhile: read it again')

// Requests of one connection.
const connection = sessions.handle({ uid: 1000 })
export const roles = connection.resolve(opened.id)?.roles // ['admin']

// A token for a program, bounded by a policy, good for a day.
const expiresAtMs = now.nowMs + 86_400_000
const wanted = { account: account.id, boundary: ['backup'], expiresAtMs }
const { text, ...plan } = zones.planCreateAccessToken(rows, wanted, now)
commit(plan)
export const owner = zones.verifyAccessToken(rows, text, now)?.account.login // 'alice'
