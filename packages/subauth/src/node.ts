/** @secreg/subauth/node: the client over SOCK_SEQPACKET. */
export { SubauthClient, type SubauthClientOptions } from './node/subauth-client.ts'
