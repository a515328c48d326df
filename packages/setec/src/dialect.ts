export { SETEC_MOUNT, setecName, setecPath } from './dialect/path.ts'
export type { SetecDialect, SetecWrite } from './dialect/setec-dialect.ts'
export { SETEC_DIALECT } from './dialect/setec-dialect.ts'
