/** A log in memory as one process has it. */
import type { MemoryFiles } from '@secreg/audit/testing'

/**
 * Files that one process reaches until they are killed, and then no more: its timers go on, and would open anew what the
 * next process writes by then. Files of another kind are as they are.
 */
export function filesOfProcess(files: MemoryFiles): MemoryFiles {
  if (!('kill' in files)) return files
  let isDead = false
  const kill = files.kill.bind(files)
  files.kill = () => {
    isDead = true
    kill()
  }
  return new Proxy(files, {
    get(target, name) {
      if (isDead) throw new Error('the process is dead')
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}
