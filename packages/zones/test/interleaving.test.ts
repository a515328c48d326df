/**
 * Operations that overlap in time. Each reads when it is begun, may be overtaken by any number of others, and then
 * plans in the writer's turn through the overlay of its group, as the registry does; groups are committed whole or,
 * now and then, lost whole. A model of plain values says what must be so.
 */
import { SecregError } from '@secreg/protocol'
import {
  hotp,
  planBeginMfa,
  planBumpGeneration,
  planConfirmMfa,
  planConsumeUse,
  planCreateAccessToken,
  planCreateAccount,
  planDeleteAccount,
  planDisableAccount,
  planEnableAccount,
  planRenameAccount,
  planRevokeAccessToken,
  planUseMfa,
  readAccessToken,
  readAccount,
  readAccountByLogin,
  readTokenIdents,
  type TokenBoundary,
  verifyAccessToken,
} from '@secreg/zones'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeBase32 } from '../src/base32.ts'
import { crypto, Overlay, Rows, when } from './support.ts'

/** What the model knows of a token: whose it is, and what is left of it. */
interface ModelToken {
  readonly text: string
  readonly ident: string
  readonly owner: string
  readonly boundary: TokenBoundary
  readonly endsMs: number
  left: number
  dead: boolean
}

interface Model {
  tokens: ModelToken[]
  /** State of the accounts by id. */
  disabled: Map<string, boolean>
  logins: Map<string, string>
}

const copyOf = (model: Model): Model => ({
  tokens: model.tokens.map((token) => ({ ...token })),
  disabled: new Map(model.disabled),
  logins: new Map(model.logins),
})

/** Two accounts, each with a token that may be used twice and one that may be used always. */
function seed(rows: Rows): Model {
  const model: Model = { tokens: [], disabled: new Map(), logins: new Map() }
  for (const login of ['a', 'b']) {
    const plan = planCreateAccount(rows, { login }, { ...when, crypto })
    rows.apply(plan)
    const owner = plan.account.id
    model.disabled.set(owner, false)
    model.logins.set(login, owner)
    for (const uses of [2, undefined]) {
      const wanted = { account: owner, boundary: 'full' as const }
      const made = planCreateAccessToken(rows, uses === undefined ? wanted : { ...wanted, uses }, {
        ...when,
        crypto,
      })
      rows.apply(made)
      model.tokens.push({
        text: made.text,
        ident: made.token.ident,
        owner,
        boundary: 'full',
        endsMs: Number.POSITIVE_INFINITY,
        left: uses ?? Number.POSITIVE_INFINITY,
        dead: false,
      })
    }
  }
  return model
}

const LOGINS = ['a', 'b', 'c'] as const
const login = fc.constantFrom(...LOGINS)
const which = fc.nat(20)
const command = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('create' as const), login }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), login }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('rename' as const), login, to: login }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('disable' as const), login }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('enable' as const), login }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('bump' as const), login }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('issue' as const),
      login,
      uses: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
      boundary: fc.constantFrom<TokenBoundary>('full', ['p1'], ['p1', 'p2']),
      forMs: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('revoke' as const), which }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('use' as const), which }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 3 }) }),
  },
)
/** Commands that are begun together and planned in one group, which is committed or lost. */
const group = fc.record({
  commands: fc.array(command, { minLength: 1, maxLength: 6, size: 'max' }),
  lost: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
})

test('tokens: no use too many, nothing revoked or ended works, nothing is inherited', () => {
  let uses = 0
  fc.assert(
    fc.property(fc.array(group, { minLength: 3, maxLength: 14, size: 'max' }), (groups) => {
      const rows = new Rows()
      let nowMs = when.nowMs
      let model = seed(rows)
      for (const { commands, lost } of groups) {
        // Begun before any of the group is planned: what is found now may be over by then.
        const begun = commands.map((one) => {
          if (one.do === 'use' || one.do === 'revoke') {
            const token = model.tokens[one.which % (model.tokens.length || 1)]
            const verified =
              token === undefined
                ? undefined
                : verifyAccessToken(rows, token.text, { nowMs, crypto })
            return { one, token: token?.ident, verified, id: undefined }
          }
          const id = 'login' in one ? readAccountByLogin(rows, one.login)?.id : undefined
          return { one, token: undefined, verified: undefined, id }
        })
        const overlay = new Overlay(rows)
        const next = copyOf(model)
        for (const { one, token: ident, verified, id } of begun) {
          const token = next.tokens.find((known) => known.ident === ident)
          const mine = next.tokens.filter(({ owner }) => owner === id)
          const exists = id !== undefined && next.disabled.has(id)
          try {
            if (one.do === 'wait') nowMs += one.ms
            else if (one.do === 'create') {
              const plan = planCreateAccount(overlay, { login: one.login }, { nowMs, crypto })
              overlay.add(plan.ops)
              expect(next.logins.has(one.login)).toBe(false)
              next.disabled.set(plan.account.id, false)
              next.logins.set(one.login, plan.account.id)
            } else if (one.do === 'use') {
              if (ident === undefined || verified === undefined) continue
              const plan = planConsumeUse(overlay, ident, { nowMs })
              overlay.add(plan.ops)
              if (token === undefined) throw new Error('a token that the model does not know')
              expect(plan.account.id).toBe(token.owner)
              expect(plan.token.boundary).toEqual(token.boundary)
              expect([token.dead, token.left > 0, nowMs < token.endsMs]).toEqual([
                false,
                true,
                true,
              ])
              expect(next.disabled.get(token.owner)).toBe(false)
              token.left--
              uses++
            } else if (one.do === 'revoke') {
              if (ident === undefined || token === undefined) continue
              overlay.add(planRevokeAccessToken(overlay, ident).ops)
              token.dead = true
            } else if (id !== undefined) {
              if (one.do === 'delete') {
                overlay.add(planDeleteAccount(overlay, id).ops)
                for (const token of mine) token.dead = true
                next.disabled.delete(id)
                for (const [name, of] of next.logins) if (of === id) next.logins.delete(name)
              } else if (one.do === 'rename') {
                const plan = planRenameAccount(overlay, id, one.to, { nowMs })
                overlay.add(plan.ops)
                for (const [name, of] of next.logins) if (of === id) next.logins.delete(name)
                next.logins.set(one.to, id)
              } else if (one.do === 'disable' || one.do === 'enable') {
                const plan = one.do === 'disable' ? planDisableAccount : planEnableAccount
                overlay.add(plan(overlay, id, { nowMs }).ops)
                next.disabled.set(id, one.do === 'disable')
              } else if (one.do === 'bump') {
                overlay.add(planBumpGeneration(overlay, id, { nowMs }).ops)
                for (const token of mine) token.dead = true
              } else {
                const plan = planCreateAccessToken(
                  overlay,
                  {
                    account: id,
                    boundary: one.boundary,
                    ...(one.uses === undefined ? {} : { uses: one.uses }),
                    ...(one.forMs === undefined ? {} : { expiresAtMs: nowMs + one.forMs }),
                  },
                  { nowMs, crypto },
                )
                overlay.add(plan.ops)
                next.tokens.push({
                  text: plan.text,
                  ident: plan.token.ident,
                  owner: id,
                  boundary: one.boundary,
                  endsMs: one.forMs === undefined ? Number.POSITIVE_INFINITY : nowMs + one.forMs,
                  left: one.uses ?? Number.POSITIVE_INFINITY,
                  dead: false,
                })
              }
              expect(exists).toBe(true)
            }
          } catch (error) {
            if (!SecregError.is(error)) throw error
            // What is refused was to be refused: a token that the model has as good is let through.
            if (one.do === 'use' && token !== undefined) {
              const good =
                !token.dead &&
                token.left > 0 &&
                nowMs < token.endsMs &&
                next.disabled.get(token.owner) === false
              expect(good).toBe(false)
            }
          }
        }
        if (!lost) {
          overlay.commit()
          model = next
        }
        for (const name of LOGINS) {
          expect(readAccountByLogin(rows, name)?.id).toBe(model.logins.get(name))
        }
        for (const token of model.tokens) {
          const good =
            !token.dead &&
            token.left > 0 &&
            nowMs < token.endsMs &&
            model.disabled.get(token.owner) === false
          const verified = verifyAccessToken(rows, token.text, { nowMs, crypto })
          expect(verified?.account.id).toBe(good ? token.owner : undefined)
          expect(verified?.token.boundary).toEqual(good ? token.boundary : undefined)
          if (token.dead || token.left === 0)
            expect(readAccessToken(rows, token.ident)).toBeUndefined()
        }
        for (const key of rows.map.keys()) {
          if (!key.startsWith('g/tokens/')) continue
          const owner = key.slice('g/tokens/'.length)
          expect(readAccount(rows, owner)).toBeDefined()
          for (const ident of readTokenIdents(rows, owner)) {
            expect(readAccessToken(rows, ident)?.account).toBe(owner)
          }
        }
      }
    }),
    { numRuns: 200 },
  )
  expect(uses).toBeGreaterThan(300)
})

test('class 10: in any order of logins, a code opens once and a recovery code opens once', () => {
  const key = crypto.randomBytes(32)
  const STEP = 30_000
  const attempt = fc.record({
    /** Step of the code, from the present one. */
    off: fc.integer({ min: -2, max: 2 }),
    recovery: fc.option(fc.nat(9), { nil: undefined }),
    waitMs: fc.constantFrom(0, 0, 0, 10_000, STEP),
    /** A new group begins here; with 'lost' the one before was not committed. */
    group: fc.constantFrom('same', 'same', 'next', 'lost'),
  })
  fc.assert(
    fc.property(fc.array(attempt, { maxLength: 40, size: 'max' }), (attempts) => {
      const rows = new Rows()
      let nowMs = when.nowMs
      const context = () => ({ nowMs, crypto, key })
      const made = planCreateAccount(rows, { login: 'a' }, { nowMs, crypto })
      rows.apply(made)
      const { id } = made.account
      const begun = planBeginMfa(rows, id, 'secreg', context())
      rows.apply(begun)
      const secret = decodeBase32(begun.secret) as Uint8Array
      const stepOf = () => Math.floor(nowMs / STEP)
      // Two steps have the same code now and then: it is good at each of them, and used up for all.
      const stepsOf = (code: string | undefined) =>
        [-1, 0, 1].map((near) => stepOf() + near).filter((step) => hotp(secret, step) === code)
      const first = hotp(secret, stepOf())
      const confirmed = planConfirmMfa(rows, id, first, context())
      rows.apply(confirmed)
      let last = stepsOf(first).at(-1) as number
      let used = new Set<string>()
      let before = { last, used: new Set(used) }
      let overlay = new Overlay(rows)
      for (const { off, recovery, waitMs, group: next } of attempts) {
        if (next !== 'same') {
          if (next === 'next') overlay.commit()
          else [last, used] = [before.last, new Set(before.used)]
          before = { last, used: new Set(used) }
          overlay = new Overlay(rows)
        }
        nowMs += waitMs
        const code =
          recovery === undefined ? hotp(secret, stepOf() + off) : confirmed.recoveryCodes[recovery]
        const good = stepsOf(code).filter((step) => step > last)
        let opened = true
        try {
          overlay.add(planUseMfa(overlay, id, code as string, context()).ops)
        } catch (error) {
          if (!SecregError.is(error)) throw error
          opened = false
        }
        if (recovery === undefined) {
          expect(opened).toBe(good.length > 0)
          last = good.at(-1) ?? last
        } else {
          expect(opened).toBe(!used.has(code as string))
          used.add(code as string)
        }
      }
    }),
    { numRuns: 200 },
  )
})
