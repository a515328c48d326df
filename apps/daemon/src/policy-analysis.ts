/** Looking through policies in another thread, one set at a time, and not for ever. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { SecregError } from '@secreg/protocol'
import { ANALYSIS_HERE, ANALYSIS_STATES, type PolicyAnalysis } from '@secreg/registry'

type Documents = readonly Readonly<Record<string, unknown>>[]

/** What the thread is told. */
export type AnalysisTask =
  | { readonly name: 'lint'; readonly documents: Documents }
  | {
      readonly name: 'diff'
      readonly before: Documents
      readonly after: Documents
      readonly maxStates: number
    }

export interface PolicyAnalysisOptions {
  /** Program of the thread; default the one beside this file, and this thread where there is none (tests from source). */
  readonly program?: string
  /** Time after which a question is given up, milliseconds; default 10 seconds. */
  readonly timeoutMs?: number
}

/** Memory of the thread, MiB: sets of policies that need more are given up. */
const HEAP_MIB = 512

/** Make what asks the thread; each question has one of its own, so that nothing stays of a hard one. */
export function createPolicyAnalysis(options: PolicyAnalysisOptions = {}): PolicyAnalysis {
  const { timeoutMs = 10_000 } = options
  const program = options.program ?? fileURLToPath(new URL('./analysis-worker.js', import.meta.url))
  if (!existsSync(program)) return ANALYSIS_HERE
  let busy = false
  const ask = async <T>(task: AnalysisTask): Promise<T> => {
    if (busy) {
      throw new SecregError('BUSY', 'policies are being looked through for somebody else', {
        retryAfterSeconds: 1,
      })
    }
    busy = true
    const worker = new Worker(program, {
      env: {},
      stdin: false,
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
    })
    let timer: NodeJS.Timeout | undefined
    try {
      return await new Promise<T>((resolve, reject) => {
        timer = setTimeout(() => reject(tooMuch()), timeoutMs)
        worker.on('message', resolve)
        worker.on('error', () => reject(tooMuch()))
        worker.on('exit', () => reject(tooMuch()))
        worker.postMessage(task)
      })
    } finally {
      clearTimeout(timer)
      await worker.terminate()
      busy = false
    }
  }
  return {
    lint: (documents) => ask({ name: 'lint', documents }),
    diff: (before, after) => ask({ name: 'diff', before, after, maxStates: ANALYSIS_STATES }),
  }
}

function tooMuch(): SecregError {
  return new SecregError(
    'LIMIT_EXCEEDED',
    'there is too much in the policies to look through; ask about fewer or simpler rules',
  )
}
