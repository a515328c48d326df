// npm run package-check: every public package as its users get it. Each is packed, checked by publint, and installed with
// the others from its tarball into an empty folder outside the workspace; there every export is imported, every command
// started, and the first TypeScript example of every README run.
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { bin, ROOT, run, step } from './run.mjs'
import { setUp } from './setup.mjs'

if (!(await setUp())) process.exit(1)
const { transformSync } = await import('esbuild')

const projects = ['packages', 'apps'].flatMap((group) =>
  readdirSync(join(ROOT, group), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(ROOT, group, entry.name))
    .map((folder) => ({
      folder,
      manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')),
    }))
    .filter(({ manifest }) => manifest.private !== true),
)

const home = mkdtempSync(join(tmpdir(), 'secreg-packages-'))
let failures = 0
const check = async (ok) => {
  if (!(await ok)) failures++
}
const fail = (message) => {
  process.stderr.write(`FAIL ${message}\n`)
  failures++
}

function exampleOf(folder) {
  let readme = ''
  try {
    readme = readFileSync(join(folder, 'README.md'), 'utf8')
  } catch {
    return undefined
  }
  return /^```ts\n([\s\S]*?)^```/m.exec(readme)?.[1]
}

/** What examples take for the registry of their reader. */
const EXAMPLE = {
  socket: '/run/secreg/socket',
  login: 'alice',
  password: 'correct horse battery staple',
}

let daemon

/** Start the installed daemon on a directory of its own, once, and answer where it is and who may log in. */
function startDaemon(consumer) {
  daemon ??= new Promise((resolve, reject) => {
    const program = join(consumer, 'node_modules/.bin/secregd')
    const child = spawn(program, ['--dev', join(home, 'dev')], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    const fail = (why) => reject(new Error(`secregd --dev: ${why}\n${output}`))
    const timer = setTimeout(() => fail('not ready within 30 s'), 30_000)
    child.stderr.on('data', (chunk) => {
      output += chunk
    })
    child.once('error', (error) => fail(error.message))
    child.once('exit', (code) => fail(`ended with ${code}`))
    createInterface({ input: child.stdout }).on('line', (line) => {
      output += `${line}\n`
      if (!line.startsWith('{"ready":true')) return
      clearTimeout(timer)
      const { socket, admin } = JSON.parse(line)
      const { login, password } = JSON.parse(readFileSync(admin, 'utf8'))
      resolve({ child, socket, login, password })
    })
  })
  return daemon
}

async function stopDaemon() {
  const running = await daemon?.catch(() => undefined)
  if (running === undefined) return
  const ended = new Promise((resolve) => running.child.once('exit', resolve))
  running.child.kill('SIGTERM')
  await ended
}

/** An example that talks to a registry talks to the installed daemon. */
async function fillIn(example, consumer) {
  if (!example.includes(EXAMPLE.socket)) return example
  const real = await startDaemon(consumer)
  return Object.entries(EXAMPLE).reduce(
    (text, [name, placeholder]) => text.replaceAll(placeholder, real[name]),
    example,
  )
}

/** Import every export of a library; an app is started by its commands instead. */
async function checkInstalled({ folder, manifest }, consumer) {
  const { name } = manifest
  if (manifest.bin !== undefined) {
    for (const command of Object.keys(manifest.bin)) {
      const program = join(consumer, 'node_modules/.bin', command)
      await check(step(`${command} --version`, program, ['--version'], { cwd: consumer }))
    }
    return
  }
  const specifiers = Object.keys(manifest.exports)
    .filter((path) => !path.endsWith('.json'))
    .map((path) => name + path.slice(1))
  const imports = specifiers.map((one) => `await import(${JSON.stringify(one)})`).join('\n')
  const args = ['--input-type=module', '-e', imports]
  await check(step(`import ${specifiers.join(', ')}`, process.execPath, args, { cwd: consumer }))

  const example = exampleOf(folder)
  if (example === undefined) {
    fail(`${name}: README.md has no \`\`\`ts example`)
    return
  }
  let code
  try {
    code = await fillIn(example, consumer)
  } catch (error) {
    fail(`example of ${name}: ${error.message}`)
    return
  }
  const file = join(consumer, `${name.split('/').at(-1)}.mjs`)
  writeFileSync(file, transformSync(code, { loader: 'ts', format: 'esm', target: 'node20' }).code)
  await check(step(`example of ${name}`, process.execPath, [file], { cwd: consumer }))
}

try {
  // What a release brings besides: see the README of that package.
  await check(step('prebuild', bin('nx'), ['run', '@secreg/unix-socket:prebuild']))
  const tarballs = []
  mkdirSync(join(home, 'tarballs'))
  for (const { folder, manifest } of projects) {
    await check(step(`publint ${manifest.name}`, bin('publint'), ['run', folder, '--strict']))
    const args = [
      'pack',
      '--json',
      '--loglevel=error',
      '--pack-destination',
      join(home, 'tarballs'),
    ]
    const { ok, output } = await run('npm', args, { cwd: folder })
    if (ok) tarballs.push(join(home, 'tarballs', JSON.parse(output)[0].filename))
    else fail(`npm pack ${manifest.name}\n${output}`)
  }
  const consumer = join(home, 'consumer')
  mkdirSync(consumer)
  writeFileSync(join(consumer, 'package.json'), '{"private":true,"type":"module"}')
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  if (
    await step('install the tarballs', 'npm', ['install', ...flags, ...tarballs], { cwd: consumer })
  ) {
    for (const project of projects) await checkInstalled(project, consumer)
  } else failures++
} finally {
  await stopDaemon()
  rmSync(home, { recursive: true, force: true })
}
console.log(failures === 0 ? `${projects.length} packages passed` : `${failures} checks failed`)
process.exitCode = failures === 0 ? 0 : 1
