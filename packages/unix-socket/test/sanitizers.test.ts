/** The native part under AddressSanitizer and UndefinedBehaviorSanitizer, which end the process at the first fault. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  cleanEnv,
  createTempHome,
  findProgram,
  requireProgram,
  runChild,
  runNode,
  skipTest,
} from '@secreg/testkit'
import { expect, test } from 'vitest'
import { needBuild, PACKAGE } from './support.ts'

test('no fault under AddressSanitizer and UndefinedBehaviorSanitizer', async (context) => {
  await needBuild(context)
  const compiler = requireProgram(context, process.env['CC'] ?? 'cc')
  const named = await runChild(compiler, ['-print-file-name=libasan.so'])
  const library = named.stdout.trim()
  if (!existsSync(library)) skipTest(context, 'the compiler has no libasan.so')
  await using home = createTempHome()
  const file = home.file('asan.node')
  const flags = ['-g', '-O1', '-fno-omit-frame-pointer', '-fno-sanitize-recover=all']
  const built = await runNode(join(PACKAGE, 'native/build.mjs'), [
    '--out',
    file,
    '-fsanitize=address,undefined',
    ...flags,
  ])
  expect(built).toMatchObject({ code: 0, stdout: '', stderr: '' })
  // Node.js itself frees little at its end, so leaks say nothing.
  const env = cleanEnv({
    LD_PRELOAD: library,
    ASAN_OPTIONS: 'detect_leaks=0:detect_stack_use_after_return=1:exitcode=97',
    UBSAN_OPTIONS: 'print_stacktrace=1:exitcode=98',
  })
  const found = findProgram('python3')
  const python = found.found ? [found.path] : []
  const result = await runNode(join(PACKAGE, 'test/stress.mjs'), [file, home.path, ...python], {
    env,
    timeoutMs: 120_000,
  })
  expect(result).toMatchObject({ code: 0, signal: null, stderr: '', stdout: 'echoed true\n' })
}, 150_000)
