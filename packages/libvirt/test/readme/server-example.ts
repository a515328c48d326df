import { createServer, type Server } from 'node:net'
import { type SecretsPort, serveLibvirt } from '@secreg/libvirt/server'

export function listen(path: string, port: SecretsPort): Server {
  return createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    serveLibvirt(socket, { portOf: () => port, readOnly: false })
  }).listen(path)
}
