/** The cases of the Secrets API in environment A: nobody has to say who he is, and everything is permitted. */
import { afterAll, beforeAll, test } from 'vitest'
import { openSecretsDesk, type SecretsDesk } from '../lib/secrets-site.ts'
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

test('K03: no value, no credential and no name of a secret is where it was not told', async () => {
  await desk.expectNoLeak()
})
