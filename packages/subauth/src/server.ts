export { answerPacket, type ReceivedLike, type SubauthAnswer } from './server/answer-packet.ts'
export type { ManagedAccount, OwnAccount, SubauthPort } from './server/port.ts'
export { REFUSING_PORT } from './server/refusing-port.ts'
export {
  type PacketConnection,
  type ServeConnectionOptions,
  type ServedConnection,
  serveConnection,
} from './server/serve-connection.ts'
