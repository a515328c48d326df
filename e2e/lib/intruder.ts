/**
 * Somebody who has taken over a process: opens what he is told to, and asks the socket of gateways what he is told to,
 * with the rights of the process. `node intruder.mjs < ATTEMPTS`; what he got is one line of JSON.
 */
import { accessSync, closeSync, constants, openSync, readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { Wire } from './wire.ts'

/** What is to be tried. */
export interface Attempts {
  readonly files: readonly string[]
  readonly directories: readonly string[]
  readonly sockets: readonly string[]
  /** Socket of gateways. */
  readonly gateway: string
  /** Type and payload of requests to it. */
  readonly requests: readonly (readonly [type: number, payload: object])[]
}

/** What came of it. */
export interface Loot {
  readonly uid: number
  /** Files and directories that could be read, and sockets that could be connected to. */
  readonly open: readonly string[]
  /** What could be written. */
  readonly writable: readonly string[]
  /** Type and text of the answers, in the order of the requests. */
  readonly answers: readonly (readonly [type: number, body: object])[]
}

async function main(): Promise<void> {
  const { files, directories, sockets, gateway, requests }: Attempts = JSON.parse(
    readFileSync(0, 'utf8'),
  )
  const open = [
    ...files.filter((file) => succeeds(() => closeSync(openSync(file, 'r')))),
    ...directories.filter((directory) => succeeds(() => readdirSync(directory))),
  ]
  for (const socket of sockets) if (await isOpen(socket)) open.push(socket)
  const writable = [...files, ...directories].filter((path) =>
    succeeds(() => accessSync(path, constants.W_OK)),
  )
  const answers: [number, object][] = []
  using wire = await Wire.open(gateway)
  for (const [type, payload] of requests) {
    const { type: answered, body } = await wire.ask(type, payload)
    answers.push([answered, body])
  }
  const uid = process.getuid?.() ?? -1
  const loot: Loot = { uid, open, writable, answers }
  process.stdout.write(`${JSON.stringify(loot)}\n`)
}

function succeeds(attempt: () => unknown): boolean {
  try {
    attempt()
    return true
  } catch {
    return false
  }
}

function isOpen(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}

await main()
