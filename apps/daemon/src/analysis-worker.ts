/** The thread in which whole sets of policies are looked through: a file of its own beside the daemon's. */
import { parentPort } from 'node:worker_threads'
import { diff, lint } from '@secreg/policy-engine'
import type { AnalysisTask } from './policy-analysis.ts'

parentPort?.on('message', (task: AnalysisTask) => {
  const result =
    task.name === 'lint'
      ? lint(task.documents)
      : diff(task.before, task.after, { maxStates: task.maxStates })
  parentPort?.postMessage(result)
})
