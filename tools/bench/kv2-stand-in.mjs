// A stand-in of an OpenBao server as a process of its own; says where it is on one line.
import { Kv2StandIn } from '@secreg/testkit/kv2'

const standIn = await Kv2StandIn.start()
console.log(JSON.stringify({ url: standIn.url, token: standIn.rootToken }))
process.on('SIGTERM', () => process.exit(0))
