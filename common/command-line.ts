/** What every command of the `holdfast` program is given, and the exit codes that scripts may rely on. */

export interface TextSink {
  /** Whether a person reads it: colours, progress and widths depend on it. */
  readonly isTTY?: boolean | undefined;
  /** Width of the terminal in characters. */
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

export interface CommandIo {
  /** Results. */
  readonly out: TextSink;
  /** Progress and errors. */
  readonly err: TextSink;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts when the user asks to stop (SIGINT, SIGTERM): finish or give up cleanly, then return. */
  readonly signal: AbortSignal;
}

/** A command with its own words behind its name, `holdfast NAME …args`; resolves to the exit code. */
export type Command = (args: readonly string[], io: CommandIo) => Promise<number>;

export const exitCodes = {
  ok: 0,
  /** It was tried and it failed. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** Not possible now: another process holds the data, a tool is missing, a setting is refused. */
  refused: 3,
  /** No cluster answers. */
  notRunning: 4,
} as const;
