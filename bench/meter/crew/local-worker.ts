/**
 * A worker in a process of its own on this machine: files are read by its own threads, of which it has as many as
 * requests may be under way, and a slow report does not hold up what is measured.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { type Message, WorkerCaller } from './calls.ts';
import type { WorkerEvents } from './meter-worker.ts';

/** Beside this file, as source or compiled. */
const PROCESS_URL = new URL(
  import.meta.url.endsWith('.ts') ? './worker-process.ts' : './worker-process.js',
  import.meta.url,
);
/** Of libuv, whose four by default would be what is measured. */
const FILE_THREADS = 64;

export interface WorkerHandle {
  readonly name: string;
  readonly caller: WorkerCaller;
  /** What its clock shows more than ours. */
  readonly clockAheadMs: number;
  /** Sees what that is by now; undefined where there is but one clock. */
  readonly alignClock?: () => Promise<void>;
  /** Whether it is another machine's, by its agent: a folder's path may be another folder there. */
  readonly elsewhere: boolean;
  close(): void;
}

export function startLocalWorker(name: string, events: WorkerEvents): WorkerHandle {
  const child: ChildProcess = fork(PROCESS_URL, {
    serialization: 'advanced',
    // In a session of its own: Linux shares processors out to sessions first (sched(7), autogroups).
    detached: true,
    env: { ...process.env, UV_THREADPOOL_SIZE: String(FILE_THREADS) },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const caller = new WorkerCaller((message) => {
    child.send(message, () => undefined);
  }, events);
  child.on('message', (message) => caller.heard(message as Message));
  child.on('error', (error) => caller.lose(`${name} could not be started: ${error.message}`));
  child.on('exit', (code, signal) => caller.lose(`${name} has ended with ${signal ?? code}`));
  return {
    name,
    caller,
    clockAheadMs: 0,
    elsewhere: false,
    close: () => {
      if (child.connected) child.disconnect();
    },
  };
}
