/** A registry with its sockets for clients of libvirt. */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { SecretRegistry } from '@secreg/libvirt'
import { type ConnectLibvirtOptions, connectLibvirt } from '@secreg/libvirt/node'
import { type SkippableContext, skipTest } from '@secreg/testkit'
import { nativeProblem } from '@secreg/unix-socket'
import {
  ADMIN,
  PASSWORD,
  runSite,
  Site,
  type SiteOptions,
  type StartedSite,
  type StartOptions,
} from './site.ts'
import type { Wire } from './wire.ts'

/** Uid of this process. */
export const OWN_UID: number = process.geteuid?.() ?? -1

export interface LibvirtSiteOptions extends SiteOptions {
  /** TOML without table heads: further keys of `[libvirt]`. */
  readonly libvirt?: string
}

/** A site whose configuration has both sockets, and no process yet. */
export class LibvirtSite extends Site {
  constructor(options: LibvirtSiteOptions = {}) {
    super(options)
  }

  get door(): string {
    return this.home.file('libvirt.sock')
  }

  /** Where whoever comes may only look. */
  get readOnlyDoor(): string {
    return this.home.file('libvirt-ro.sock')
  }

  override configure(options: LibvirtSiteOptions = {}): void {
    // A start that is no first one opens the registry by itself.
    const keyFile = this.home.file('key')
    if (!existsSync(keyFile)) this.home.write('key', randomBytes(32))
    super.configure({
      ...options,
      config: `${options.config ?? ''}
[unlock]
key_file = ${JSON.stringify(keyFile)}
[libvirt]
socket = ${JSON.stringify(this.door)}
socket_read_only = ${JSON.stringify(this.readOnlyDoor)}
mode = "0666"
mode_read_only = "0666"
${options.libvirt ?? ''}
`,
    })
  }

  /** A connection of this process. */
  connect(options: ConnectLibvirtOptions = {}): Promise<SecretRegistry> {
    return connectLibvirt({ socket: this.door, ...options })
  }
}

/**
 * Make a site, start its daemon and initialise it; this process is its administrator. The test is skipped where the kernel
 * cannot be asked who a caller is.
 */
export function startLibvirtSite(
  context: SkippableContext,
  options: LibvirtSiteOptions & StartOptions = {},
): Promise<StartedSite<LibvirtSite>> {
  requireKernelWord(context)
  return runLibvirtSite(new LibvirtSite(options), options)
}

/** The same of a site that is made. */
export async function runLibvirtSite(
  site: LibvirtSite,
  options: StartOptions = {},
): Promise<StartedSite<LibvirtSite>> {
  const running = await runSite(site, options)
  await mapOwnUid(running.admin, true)
  return running
}

/** The test is skipped where the kernel cannot be asked who is behind a socket. */
export function requireKernelWord(context: SkippableContext): void {
  const problem = nativeProblem()
  if (problem !== undefined) skipTest(context, problem)
}

/** Make this process the administrator, or nobody. */
export async function mapOwnUid(admin: Wire, isMapped: boolean): Promise<void> {
  await admin.ok('user', { op: 'uids', user: ADMIN, uids: isMapped ? [OWN_UID] : [] })
  // It ends his sessions.
  await admin.login(ADMIN, PASSWORD)
}

/** What libvirt's permissions allow, all of them together. */
export const EVERYTHING: readonly string[] = [
  'list',
  'watch',
  'read-metadata',
  'read',
  'decrypt',
  'create',
  'update',
  'write-metadata',
  'delete',
  'purge',
]

/** Let users of the machine do something with secrets, by their uid alone. */
export async function allowUid(
  admin: Wire,
  uid: number,
  actions: readonly string[],
  resources: readonly string[] = ['/libvirt', '/libvirt/*'],
): Promise<void> {
  const rule = { id: 'r', effect: 'allow', principals: [`uid:${uid}`], actions, resources }
  await admin.ok('policy', { op: 'set', document: { id: `uid-${uid}`, rules: [rule] } })
}

/** Make this process one who may do everything but read what is private, as libvirt has it for everybody. */
export async function becomeOrdinary(admin: Wire): Promise<void> {
  await mapOwnUid(admin, false)
  await allowUid(admin, OWN_UID, EVERYTHING)
}
