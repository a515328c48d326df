// Makes a fresh clone ready: installs what the lockfile says when it is not there, then builds, from the cache where it
// can. Says nothing when there is nothing to do.
import { existsSync, readFileSync } from 'node:fs'
import { arch, argv, execPath, platform } from 'node:process'
import { fileURLToPath } from 'node:url'
import { bin, ROOT, run } from './run.mjs'

const packagesOf = (file) => {
  try {
    return JSON.parse(readFileSync(ROOT + file, 'utf8')).packages
  } catch {
    return undefined
  }
}

/** Whether a package of the lockfile belongs on this machine. */
const isMeant = ({ os, cpu }) => {
  const admits = (list, own) =>
    list === undefined ||
    (list.some((item) => item[0] === '!')
      ? !list.includes(`!${own}`)
      : list.includes(own) || list.includes('any'))
  return admits(os, platform) && admits(cpu, arch)
}

/**
 * Whether node_modules holds what the lockfile says. The content is compared, not the times: a checkout gives every
 * file a new time.
 */
export function isInstalled() {
  const wanted = packagesOf('package-lock.json')
  const present = packagesOf('node_modules/.package-lock.json')
  if (wanted === undefined || present === undefined) return false
  return Object.entries(wanted).every(([path, entry]) => {
    // A command that a workspace has got since.
    const commands = path.includes('node_modules/') ? [] : Object.keys(entry.bin ?? {})
    if (!commands.every((name) => existsSync(`${ROOT}node_modules/.bin/${name}`))) return false
    if (!path.includes('node_modules/') || entry.optional || entry.peer || !isMeant(entry))
      return true
    const own = present[path]
    return own !== undefined && own.version === entry.version && existsSync(ROOT + path)
  })
}

/**
 * Install if needed.
 *
 * @returns {Promise<boolean>} The dependencies are there.
 */
export async function install() {
  if (isInstalled()) return true
  process.stderr.write('installing dependencies (npm ci)\n')
  const { ok, output } = await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
  if (!ok) process.stderr.write(`npm ci failed\n${output.trimEnd()}\n`)
  return ok
}

/**
 * Build every package and app, from the cache where nothing has changed.
 *
 * @returns {Promise<boolean>} The build succeeded.
 */
export async function build() {
  const { ok, output } = await run(bin('nx'), ['run-many', '-t', 'build', '--outputStyle=static'])
  if (!ok) process.stderr.write(`build failed\n${output.trimEnd()}\n`)
  return ok
}

/** Install if needed and build. */
export async function setUp() {
  return (await install()) && (await build())
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) {
    process.stderr.write(`Node.js 20.19 or later is needed; ${execPath} is ${process.version}\n`)
    process.exit(1)
  }
  process.exitCode = (await setUp()) ? 0 : 1
}
