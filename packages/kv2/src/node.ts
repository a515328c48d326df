/** @secreg/kv2/node: a transport over `node:https`. */
export { createNodeTransport, type NodeTransportOptions } from './node/node-transport.ts'
