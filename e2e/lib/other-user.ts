/** Processes of another user of this machine. */
import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type ChildOptions, runChild, type SkippableContext, skipTest } from '@secreg/testkit'

/** User and group of nobody else on this machine, as far as is known. */
export const OTHER_UID = 54_321

/** How to start a process of his; the test is skipped where that cannot be. */
export async function requireOtherUser(
  context: SkippableContext,
): Promise<Pick<ChildOptions, 'uid' | 'gid' | 'cwd'>> {
  if (process.getuid?.() !== 0) skipTest(context, 'processes of another user need root')
  const options = { uid: OTHER_UID, gid: OTHER_UID, cwd: '/' }
  const { code } = await runChild(process.execPath, ['-e', ''], options)
  if (code !== 0) skipTest(context, 'another user cannot run this Node.js')
  return options
}

/** Everything below a directory, itself included, by what it is. */
export interface Tree {
  readonly files: readonly string[]
  readonly directories: readonly string[]
  readonly sockets: readonly string[]
}

export function treeOf(directory: string): Tree {
  const found = { files: [] as string[], directories: [directory], sockets: [] as string[] }
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const path = join(directory, name)
    const facts = lstatSync(path, { throwIfNoEntry: false })
    // A running daemon may have removed it since it was listed.
    if (facts === undefined) continue
    if (facts.isSocket()) found.sockets.push(path)
    else (facts.isDirectory() ? found.directories : found.files).push(path)
  }
  return found
}
