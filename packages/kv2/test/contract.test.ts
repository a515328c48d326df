/** The contract over the stand-in. */
import { createKv2Client } from '@secreg/kv2'
import { createNodeTransport } from '@secreg/kv2/node'
import { Kv2StandIn } from '@secreg/testkit/kv2'
import { afterAll, beforeAll } from 'vitest'
import { contract } from './contract.ts'

let standIn: Kv2StandIn
beforeAll(async () => {
  standIn = await Kv2StandIn.start()
})
afterAll(() => standIn.close())

contract('over the stand-in', async () => {
  const clientOf = (token: string) =>
    createKv2Client({ url: standIn.url, transport: createNodeTransport(), auth: { token } })
  return { client: clientOf(standIn.rootToken), stranger: clientOf('hvs.none') }
})
