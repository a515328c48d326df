/** `sreg completion bash|zsh|fish`. */
import { bashCompletion } from '../completion/bash.ts'
import { fishCompletion } from '../completion/fish.ts'
import { zshCompletion } from '../completion/zsh.ts'
import type { Context } from '../context.ts'
import { writeAll } from '../io.ts'

const SCRIPTS: Readonly<Record<string, () => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
}

export async function run(context: Context): Promise<undefined> {
  const script = SCRIPTS[context.operand(0)]
  if (script !== undefined) await writeAll(context.io.stdout, script())
}
