export { globalOptions } from './context.ts';
export { errorJson, renderError } from './error-screen.ts';
export { EXIT, errorExitCode } from './exit-code.ts';
export { buildProgram, ownArguments, usageError } from './program.ts';
export { hasColour, processTerminal, write } from './terminal.ts';
export { versionText } from './version.ts';
