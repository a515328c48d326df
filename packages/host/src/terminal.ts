/** @secreg/host/terminal: secrets from a person or a program. */
export { HostError, type HostErrorCode } from './errors.ts'
export { readAllSecretLines, readSecretLines, SECRET_LINE_BYTES } from './terminal/secret-lines.ts'
export { Terminal, type TerminalOutput } from './terminal/terminal.ts'
export { undoOnSignal } from './terminal/undo-on-signal.ts'
