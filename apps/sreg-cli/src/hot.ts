/**
 * The short way into `sreg`, built as one CommonJS file: the loader of ES modules and the parts that are not needed cost
 * a `sreg get` more than its own work. A command line that needs more goes the long way.
 */
import { endWith } from './end-with.ts'
import { processIo } from './io.ts'
import { readWords } from './parse.ts'
import { HOT_GRAMMAR, isHotLine, type Program, run } from './run.ts'

const never = (): never => {
  throw new TypeError('this command line is not for the short way')
}
const program: Program = { grammar: HOT_GRAMMAR, commands: never, helpText: never }

async function start(argv: readonly string[]): Promise<void> {
  const line = readWords(HOT_GRAMMAR, argv)
  if (isHotLine(line)) await endWith(run(line, processIo(), program))
  // The built main stands beside this file, not beside its source.
  else await import(new URL('./main.js', import.meta.url).href)
}

void start(process.argv.slice(2))
