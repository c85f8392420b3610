/** What a supervisor and its role processes say to each other over Node's IPC channel (JSON). */

/** `start` comes first and may bring the socket to accept on. */
export type ToRole =
  | { readonly type: 'start' }
  /** Its configuration has other devices than before. */
  | { readonly type: 'devices' }
  | { readonly type: 'status'; readonly id: number };

export type FromRole =
  /** It serves. */
  | { readonly type: 'ready'; readonly ports: readonly number[] }
  /** It cannot serve, and ends. */
  | { readonly type: 'failed'; readonly text: string; readonly code?: string }
  /** Answers `status`. */
  | { readonly type: 'status'; readonly id: number; readonly status?: unknown; readonly error?: string };
