/** What a test file could change of its process and so hand on to the next one that runs in it. */

/** Each thing that may change, under its name. */
export type ProcessState = ReadonlyMap<string, string>;

export function processState(): ProcessState {
  const state = new Map([
    ['the working directory', process.cwd()],
    ['the umask', String(process.umask())],
  ]);
  for (const [name, value] of Object.entries(process.env)) state.set(`environment: ${name}`, value ?? '');
  for (const name of process.eventNames())
    state.set(`listeners of the process: ${String(name)}`, String(process.listenerCount(name)));
  for (const name of Object.getOwnPropertyNames(globalThis)) state.set(`global: ${name}`, '');
  return state;
}

/** The names of what is there only before or only after, or differs. */
export function changesOf(before: ProcessState, after: ProcessState): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter(
    (name) => before.get(name) !== after.get(name),
  );
}
