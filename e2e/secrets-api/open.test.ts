/** The cases of the Secrets API in environment A: nobody has to say who he is, and everything is permitted. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectCode, expectReply } from '../lib/secrets-call.ts'
import { unsignedToken } from '../lib/secrets-issuer.ts'
import { openSecretsDesk, type SecretsDesk } from '../lib/secrets-site.ts'
import { canaryCases } from './canary-cases.ts'
import { changeCases } from './change-cases.ts'
import { eventCases } from './event-cases.ts'
import { readCases } from './read-cases.ts'
import { transferCases } from './transfer-cases.ts'
import { uriCases } from './uri-cases.ts'
import { versionCases } from './version-cases.ts'

let desk: SecretsDesk
beforeAll(async () => {
  desk = await openSecretsDesk({ issuers: [{ name: 'idp' }], kafka: 'crud' })
})
afterAll(() => desk?.[Symbol.asyncDispose]())

uriCases(() => desk)
readCases(() => desk)
changeCases(() => desk)
versionCases(() => desk)
transferCases(() => desk)
eventCases(() => desk)

canaryCases(() => desk)

test('A04: a credential that is no good is refused, though none is needed', async () => {
  const { caller, issuer, kv } = desk
  const { mark } = kv
  const uri = 'openbao+kv2://secret/app/test#value'
  const bad = [unsignedToken(issuer.claims('bob')), 'sreg_0123456789abcdef_bad', 'x']
  for (const [at, token] of bad.entries()) {
    const reply = await caller.value(uri, token, { from: `127.0.5.${at + 1}` })
    expectCode(reply, 401, 'UNAUTHENTICATED', token)
  }
  expect(kv.requests(mark)).toEqual([])
  expectReply(await caller.value(uri, issuer.token('bob', [])), 200)
})

test('K03: no value, no credential and no name of a secret is where it was not told', async () => {
  await desk.expectNoLeak()
})
