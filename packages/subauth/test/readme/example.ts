import { SubauthCommands, SubauthError } from '@secreg/subauth'
import { answerPacket, REFUSING_PORT, type SubauthPort } from '@secreg/subauth/server'

// A server that knows one password, and permits nothing but to check it.
const port: SubauthPort = {
  ...REFUSING_PORT,
  login: async ({ login, zone, passwd }) => `${login} ${zone} ${passwd}` === 'alice mail secret1',
}

// Its client. Here, no socket is between the two.
const client = new SubauthCommands({
  request: async (data) => (await answerPacket({ data }, port)).reply,
  close: async () => {},
})

await client.login({ login: 'alice', zone: 'mail', passwd: 'secret1' })

export const refusals: string[] = []
for (const run of [
  () => client.login({ login: 'alice', zone: 'mail', passwd: 'secret2' }),
  () => client.createToken({ zone: 'mail' }),
]) {
  await run().catch((error) => {
    if (!SubauthError.is(error, 'REFUSED')) throw error
    refusals.push(error.message)
  })
}
