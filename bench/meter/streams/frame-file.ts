/** A line for every frame (EBU's time stamps): when it was due, when it was there, and what that makes it. */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { FrameRecord } from './tally.ts';

const BUFFER_CHARACTERS = 256 * 1024;

export class FrameFile {
  readonly #file: number;
  readonly #run: number;
  #pending: string;

  /** @param run from 1 on: the first begins the file, the others go on in it. */
  constructor(path: string, run: number) {
    this.#file = openSync(path, run === 1 ? 'w' : 'a');
    this.#run = run;
    this.#pending = run === 1 ? 'stream,frame,due_ms,done_ms,latency_ms,late,dropped,run\n' : '';
  }

  add({ stream, frame, dueMs, doneMs, latencyMs, late, dropped }: FrameRecord): void {
    const times = `${dueMs.toFixed(3)},${doneMs.toFixed(3)},${latencyMs.toFixed(3)}`;
    this.#pending += `${stream},${frame},${times},${late ? 1 : 0},${dropped ? 1 : 0},${this.#run}\n`;
    if (this.#pending.length > BUFFER_CHARACTERS) this.#flush();
  }

  close(): void {
    this.#flush();
    closeSync(this.#file);
  }

  #flush(): void {
    writeSync(this.#file, this.#pending);
    this.#pending = '';
  }
}
