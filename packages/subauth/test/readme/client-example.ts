import { SubauthClient } from '@secreg/subauth/node'

const path = process.env['SUBAUTH_SOCKET'] ?? '/run/secreg/subauth.sock'
const client = await SubauthClient.connect({ path })

// The server knows from the kernel whose process this is; nobody names himself.
export const zones: string[] = (await client.zones()).map(({ zone }) => zone)
const { token, ident } = await client.createToken({ zone: 'wiki', comment: 'laptop' })
await client.login({ zone: 'wiki', passwd: token }) // throws when the server does not accept it
export const { login, accounts } = await client.accounts()

await client.deleteToken({ zone: 'wiki', ident })
await client.close()
