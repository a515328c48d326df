import { type SubauthPort, serveConnection } from '@secreg/subauth/server'
import { createSeqpacketServer, type SeqpacketServer } from '@secreg/unix-socket'

export function listen(path: string, portOf: (uid: number) => SubauthPort): SeqpacketServer {
  const options = { maxPacketBytes: 16_384, pauseOnConnect: true }
  const server = createSeqpacketServer(options, (connection) => {
    const uid = connection.peer?.uid
    if (uid === undefined) connection.destroy()
    else serveConnection(connection, { portOf: () => portOf(uid), failureDelayMs: 2000 })
  })
  return server.listen({ path, backlog: 511 })
}
