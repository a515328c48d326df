/** Connections of another user of this machine: a process of his passes on, byte for byte, what a test sends. */
import { chmodSync, chownSync, mkdirSync } from 'node:fs'
import { type Child, type ChildOptions, startChild, type TempHome } from '@secreg/testkit'
import { Wire } from './wire.ts'

const PROGRAM = `
const { connect, createServer } = require('node:net')
const [from, to] = process.argv.slice(1)
createServer({ allowHalfOpen: true }, (near) => {
  const far = connect({ path: to, allowHalfOpen: true })
  near.pipe(far).pipe(near)
  near.on('error', () => far.destroy())
  far.on('error', () => near.destroy())
}).listen(from, () => console.log('listening'))
`

export interface UserProcess extends AsyncDisposable {
  /** A connection that the daemon sees as one of this process. */
  open(): Promise<Wire>
  /** The same of any socket that this user may open. */
  readonly path: string
  readonly child: Child
}

/**
 * Start a process of a user.
 *
 * @param home - of the site; other users may pass through it from then on
 * @param socket - that it connects to
 */
export async function startAsUser(
  home: TempHome,
  socket: string,
  user: Pick<ChildOptions, 'cwd'> & { readonly uid: number; readonly gid: number },
): Promise<UserProcess> {
  chmodSync(home.path, 0o711)
  const directory = home.file(`as-${user.uid}-${counter++}`)
  mkdirSync(directory, { mode: 0o700 })
  chownSync(directory, user.uid, user.gid)
  const path = `${directory}/s`
  const child = startChild(process.execPath, ['-e', PROGRAM, path, socket], user)
  await child.line(/listening/)
  return {
    path,
    child,
    open: () => Wire.open(path),
    [Symbol.asyncDispose]: async () => void (await child.kill()),
  }
}

let counter = 0
