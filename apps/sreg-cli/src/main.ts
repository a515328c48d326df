/** `sreg`, the command of the registry. */
import { processIo } from './io.ts'
import { lazy } from './lazy.ts'
import { readWords } from './parse.ts'
import { run } from './run.ts'

process.exitCode = await run(readWords(process.argv.slice(2)), processIo(), lazy)
