/** A desk whose machine has zones, and people of it who run `subauth`. */
import { symlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { cleanEnv, type Finished, runChild, type SkippableContext, skipTest } from '@secreg/testkit'
import { nativeProblem } from '@secreg/unix-socket'
import { SubauthSite, type SubauthSiteOptions, USERS } from '../lib/subauth-site.ts'
import { Desk } from './desk.ts'

/** The program, as `npx subauth` runs it. */
export const SUBAUTH: string = fileURLToPath(
  new URL('../../apps/sreg-cli/bin/subauth.js', import.meta.url),
)

export type Person = keyof typeof USERS

export class SubauthDesk extends Desk {
  readonly door: string

  constructor(options: SubauthSiteOptions) {
    const site = new SubauthSite(options)
    super({}, site)
    symlinkSync(SUBAUTH, site.home.file('bin', 'subauth'))
    this.door = site.door
    this.env['SUBAUTH_SOCKET'] = this.door
  }

  /** Run `subauth` as a person. */
  as(person: Person, args: readonly string[], input?: string): Promise<Finished> {
    const uid = USERS[person]
    return runChild(process.execPath, [SUBAUTH, ...args], {
      ...(uid === 0 ? {} : { uid, gid: uid }),
      cwd: '/',
      env: cleanEnv({ SUBAUTH_SOCKET: this.door, TZ: 'UTC' }),
      ...(input === undefined ? {} : { input }),
    })
  }
}

/**
 * A desk whose registry is open and whose person is logged in; the test is skipped where nobody else can run `subauth`.
 */
export async function openSubauthDesk(
  context: SkippableContext,
  options: SubauthSiteOptions = {},
): Promise<SubauthDesk> {
  if (process.getuid?.() !== 0) skipTest(context, 'processes of other users need root')
  const problem = nativeProblem()
  if (problem !== undefined) skipTest(context, problem)
  const uid = USERS.alice
  const args = [SUBAUTH, '--version']
  const { code } = await runChild(process.execPath, args, { uid, gid: uid, cwd: '/' })
  if (code !== 0) skipTest(context, 'another user cannot run this Node.js, or read this directory')
  const desk = new SubauthDesk(options)
  try {
    await desk.open()
    return desk
  } catch (error) {
    await desk[Symbol.asyncDispose]()
    throw error
  }
}
