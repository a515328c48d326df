export {
  type Fault,
  type FaultOperation,
  type FaultyFiles,
  Killed,
  withFaults,
} from './testing/faulty-files.ts'
export { createMemoryFiles, type MemoryFiles, type PowerLoss } from './testing/memory-files.ts'
