/**
 * Zones, their accounts and secrets that come and go in any order, in groups of which some are lost. A model of plain
 * values says which secret opens what.
 */
import { SecregError } from '@secreg/protocol'
import {
  checkZoneSecret,
  planCreateTempToken,
  planCreateZone,
  planCreateZoneAccount,
  planCreateZoneToken,
  planDeleteZoneAccount,
  planDeleteZoneToken,
  planRemoveZone,
  planSetZone,
  readZone,
  readZoneAccount,
} from '@secreg/zones'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { crypto, Overlay, QuickHasher, Rows, when } from './support.ts'

const ZONES = ['mail', 'web'] as const
const LOGINS = ['alice', 'bob'] as const
const key = crypto.randomBytes(32)

interface Secret {
  readonly text: string
  readonly form: 'token' | 'temporary'
  readonly zone: string
  readonly login: string
  readonly endsMs: number
  dead: boolean
}

interface Model {
  /** Zones that are there, and whether they allow tokens. */
  zones: Map<string, boolean>
  /** `zone/login` of the accounts that are there. */
  accounts: Set<string>
  secrets: Secret[]
}

const copyOf = (model: Model): Model => ({
  zones: new Map(model.zones),
  accounts: new Set(model.accounts),
  secrets: model.secrets.map((secret) => ({ ...secret })),
})

const kind = fc.constantFrom(
  'zone',
  'remove-zone',
  'keep-rows',
  'switch',
  'account',
  'account',
  'delete-account',
  'account-again',
  'account-again',
  'token',
  'token',
  'token',
  'temp',
  'temp',
  'delete-token',
  'delete-all',
  'wait',
)
const command = fc.record({
  do: kind,
  zone: fc.constantFrom(...ZONES),
  login: fc.constantFrom(...LOGINS),
  n: fc.integer({ min: 1, max: 3 }),
})
const group = fc.record({
  commands: fc.array(command, { minLength: 1, maxLength: 5, size: 'max' }),
  lost: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
})

test('class 23 and 6: a secret opens the account it was made for, in the life of zone and account it was made in, and no other', async () => {
  let opened = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(group, { minLength: 4, maxLength: 12, size: 'max' }),
      async (groups) => {
        const rows = new Rows()
        let nowMs = when.nowMs
        let model: Model = { zones: new Map(), accounts: new Set(), secrets: [] }
        for (const zone of ZONES) {
          const on = { allowTokens: true, maxTempValidityS: 100 }
          rows.apply(planCreateZone(rows, zone, on, { nowMs, crypto }))
          model.zones.set(zone, true)
          for (const login of LOGINS) {
            rows.apply(planCreateZoneAccount(rows, zone, login, { nowMs, crypto }))
            model.accounts.add(`${zone}/${login}`)
          }
        }
        for (const { commands, lost } of groups) {
          const overlay = new Overlay(rows)
          const next = copyOf(model)
          for (const { do: what, zone, login, n } of commands) {
            const context = { nowMs, crypto, key }
            const account = `${zone}/${login}`
            const kill = (which: (secret: Secret) => boolean) => {
              for (const secret of next.secrets) if (which(secret)) secret.dead = true
            }
            const mine = (secret: Secret) => secret.zone === zone && secret.login === login
            const keep = (form: Secret['form'], text: string, endsMs: number) => {
              next.secrets.push({ text, form, zone, login, endsMs, dead: false })
            }
            try {
              if (what === 'wait') nowMs += n * 1000
              else if (what === 'zone') {
                const on = { allowTokens: true, maxTempValidityS: 100 }
                overlay.add(planCreateZone(overlay, zone, on, context).ops)
                next.zones.set(zone, true)
              } else if (what === 'remove-zone' || what === 'keep-rows') {
                const logins = what === 'keep-rows' ? [] : LOGINS
                overlay.add(planRemoveZone(overlay, zone, logins).ops)
                next.zones.delete(zone)
                for (const one of LOGINS) next.accounts.delete(`${zone}/${one}`)
                kill((secret) => secret.zone === zone)
              } else if (what === 'switch') {
                const allowTokens = n > 1
                overlay.add(planSetZone(overlay, zone, { allowTokens }, context).ops)
                next.zones.set(zone, allowTokens)
              } else if (what === 'account') {
                overlay.add(planCreateZoneAccount(overlay, zone, login, context).ops)
                expect(next.accounts.has(account)).toBe(false)
                next.accounts.add(account)
              } else if (what === 'delete-account') {
                overlay.add(planDeleteZoneAccount(overlay, zone, login).ops)
                next.accounts.delete(account)
                kill(mine)
              } else if (what === 'account-again') {
                overlay.add(planDeleteZoneAccount(overlay, zone, login).ops)
                overlay.add(planCreateZoneAccount(overlay, zone, login, context).ops)
                kill(mine)
              } else if (what === 'token') {
                const plan = planCreateZoneToken(overlay, zone, login, {}, context)
                overlay.add(plan.ops)
                keep('token', plan.token, Number.POSITIVE_INFINITY)
              } else if (what === 'temp') {
                const plan = planCreateTempToken(overlay, zone, login, 2 * n, context)
                overlay.add(plan.ops)
                keep('temporary', plan.token, nowMs + 2 * n * 1000)
              } else if (what === 'delete-all') {
                overlay.add(planDeleteZoneToken(overlay, zone, login, '*', context).ops)
                kill(mine)
              } else {
                const secret = next.secrets.find(
                  (one) => mine(one) && one.form === 'token' && !one.dead,
                )
                const ident = secret?.text.slice(0, 4) ?? 'none'
                overlay.add(planDeleteZoneToken(overlay, zone, login, ident, context).ops)
                kill((one) => one === secret)
              }
              if (['token', 'temp', 'delete-all', 'delete-token'].includes(what)) {
                expect(next.accounts.has(account)).toBe(true)
              }
            } catch (error) {
              if (!SecregError.is(error)) throw error
            }
          }
          if (!lost) {
            overlay.commit()
            model = next
          }
          for (const { text, form, zone, login, endsMs, dead } of model.secrets) {
            for (const otherZone of ZONES) {
              for (const otherLogin of LOGINS) {
                const found = readZone(rows, otherZone)
                const account =
                  found === undefined ? undefined : readZoneAccount(rows, found, otherLogin)
                const ports = { hasher: new QuickHasher(), crypto, key, nowMs }
                const allowed = form === 'temporary' || model.zones.get(zone) === true
                const good =
                  otherZone === zone && otherLogin === login && !dead && allowed && nowMs < endsMs
                const is = await checkZoneSecret(found, account, text, ports)
                expect(is).toBe(good ? form : undefined)
                if (good) opened++
              }
            }
          }
        }
      },
    ),
    { numRuns: 120 },
  )
  expect(opened).toBeGreaterThan(300)
})
