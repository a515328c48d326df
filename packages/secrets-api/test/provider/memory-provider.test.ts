import { PlainMemory, VersionedMemory } from './memory-provider.ts'
import { testProvider } from './provider-contract.ts'

testProvider('memory with versions', () => new VersionedMemory())
testProvider('memory without', () => new PlainMemory())
