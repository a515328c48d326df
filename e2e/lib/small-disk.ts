import { mkdirSync, readFileSync } from 'node:fs'
import { requireProgram, runChild, type SkippableContext, skipTest } from '@secreg/testkit'
import type { Site } from './site.ts'

/** A file system in memory that holds one directory of a site; unmounted when it is disposed of, its daemons killed. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string
  /** Where that directory is now. */
  readonly moved: string
}

/** Put a directory of a site on a small disk, before its daemon starts. Skips the test where that cannot be done. */
export async function mountSmallDisk(
  context: SkippableContext,
  site: Site,
  { part, mib = 24 }: { readonly part: 'data' | 'audit'; readonly mib?: number },
): Promise<SmallDisk> {
  const mount = requireProgram(context, 'mount')
  const path = site.home.file('disk')
  mkdirSync(path, { mode: 0o700 })
  const options = ['-t', 'tmpfs', '-o', `size=${mib}m,mode=0700`, 'tmpfs', path]
  if ((await runChild(mount, options)).code !== 0) {
    skipTest(context, 'a small file system cannot be mounted by this user')
  }
  const moved = `${path}/${part}`
  const config = readFileSync(site.config, 'utf8').replace(`"${site[part]}"`, `"${moved}"`)
  site.home.write('config.toml', config)
  return {
    path,
    moved,
    [Symbol.asyncDispose]: async () => {
      for (const child of site.children) await child.kill()
      await runChild('umount', [path])
    },
  }
}
