/** Takes a line about what happens; the line is made only when somebody reads it. */
export type Trace = (line: () => string) => void;

export const noTrace: Trace = () => undefined;
