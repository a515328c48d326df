/**
 * Builds the native part with the C compiler of the machine: `node build.mjs` into build/Release, where the loader looks
 * first; `--prebuild` into prebuilds/<platform>-<arch>, which is published. `--inputs` prints what the result depends on
 * besides the sources. `--out FILE` with more flags for the compiler builds somewhere else.
 *
 * Where something is missing it says what in one line and succeeds: the package works without it, but for what it says.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const SOURCES = dirname(fileURLToPath(import.meta.url))
const ROOT = dirname(SOURCES)
const COMPILER = process.env.CC || 'cc'
const FLAGS = [
  '-std=gnu11',
  '-O2',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-fPIC',
  '-shared',
  '-fvisibility=hidden',
  '-pthread',
  // A thread of the library may outlive the environment that loaded it.
  '-Wl,-z,nodelete',
  '-D_GNU_SOURCE',
  '-DNAPI_VERSION=8',
]
const HARDENING = [
  '-fstack-protector-strong',
  // Some compilers have a level of their own, and warn of another.
  '-U_FORTIFY_SOURCE',
  '-D_FORTIFY_SOURCE=2',
  '-Wl,-z,relro',
  '-Wl,-z,now',
  '-Wl,-z,noexecstack',
]

/** Folder that holds node_api.h and uv.h, of this very Node.js or where npm's setting says. */
function headers() {
  const homes = [process.env.npm_config_nodedir, dirname(dirname(process.execPath))]
  return homes
    .filter((home) => home)
    .map((home) => join(home, 'include', 'node'))
    .find((folder) => ['node_api.h', 'uv.h'].every((name) => existsSync(join(folder, name))))
}

function compilerVersion() {
  const { status, stdout } = spawnSync(COMPILER, ['--version'], { encoding: 'utf8' })
  return status === 0 ? stdout.split('\n')[0] : undefined
}

const libc = () =>
  process.report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'glibc'

/** What is missing, and how to get it; undefined when nothing is. */
function missing() {
  if (process.platform !== 'linux') return `it needs Linux, this is ${process.platform}`
  if (compilerVersion() === undefined) {
    return `no C compiler ${COMPILER}: install one (apt-get install gcc libc6-dev) or name it in CC`
  }
  if (headers() === undefined) {
    return `no node_api.h and uv.h at ${join(dirname(process.execPath), '../include/node')}: take a Node.js with its headers, or name their home in npm_config_nodedir`
  }
  return undefined
}

/**
 * Compile. The file appears whole or not at all: another process may be loading the one that is there.
 *
 * @param {string} file - Path of the result.
 * @param {readonly string[]} [more] - Flags for the compiler; they take the place of those that harden.
 */
function build(file, more = HARDENING) {
  mkdirSync(dirname(file), { recursive: true })
  const fresh = `${file}.${process.pid}`
  const sources = readdirSync(SOURCES).filter((name) => name.endsWith('.c'))
  const args = [...FLAGS, ...more, '-isystem', headers(), '-o', fresh, ...sources]
  const { status, error } = spawnSync(COMPILER, args, { cwd: SOURCES, stdio: 'inherit' })
  if (status === 0) renameSync(fresh, file)
  else rmSync(fresh, { force: true })
  if (error !== undefined) process.stderr.write(`${error.message}\n`)
  process.exitCode = status === 0 ? 0 : 1
}

const [mode, target, ...flags] = process.argv.slice(2)
const lack = missing()
if (mode === '--inputs') {
  const inputs = [process.version, process.platform, process.arch, compilerVersion(), headers()]
  console.log([...inputs, process.env.CC].join('\n'))
} else if (lack !== undefined) {
  console.log(`@secreg/unix-socket: the native part is not built: ${lack}`)
} else if (mode === undefined) {
  build(join(ROOT, 'build/Release/unix-socket.node'))
} else if (mode === '--prebuild') {
  const folder = `${process.platform}-${process.arch}`
  build(join(ROOT, 'prebuilds', folder, `@secreg+unix-socket.${libc()}.node`))
} else if (mode === '--out' && target !== undefined) {
  build(resolve(target), flags)
} else {
  process.stderr.write('usage: build.mjs [--prebuild | --inputs | --out FILE [FLAG...]]\n')
  process.exitCode = 2
}
