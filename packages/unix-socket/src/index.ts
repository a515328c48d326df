/** Unix sockets of Linux as the kernel has them: who is at the other end, and SOCK_SEQPACKET. */
export { type ConnectSeqpacketOptions, connectSeqpacket } from './connect.ts'
export { type Credentials, peerCredentials, weakerCredentials } from './credentials.ts'
export {
  UnixSocketError,
  type UnixSocketErrorCode,
  type UnixSocketErrorOptions,
} from './errors.ts'
export { nativeProblem } from './native.ts'
export type { SeqpacketOptions } from './options.ts'
export type { SendCallback } from './send-queue.ts'
export {
  createSeqpacketServer,
  type SeqpacketListenOptions,
  SeqpacketServer,
  type SeqpacketServerEvents,
} from './seqpacket-server.ts'
export {
  type ReceivedPacket,
  SeqpacketSocket,
  type SeqpacketSocketEvents,
} from './seqpacket-socket.ts'
