/** What a piece of work costs this process, and what the process takes of the machine. */
import { readFile } from 'node:fs/promises';

export interface Cost {
  readonly seconds: number;
  /** User and system time of all threads. */
  readonly cpuMicroseconds: number;
}

export async function measured(run: () => Promise<unknown>): Promise<Cost> {
  const before = process.cpuUsage();
  const startedMs = performance.now();
  await run();
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - startedMs) / 1000, cpuMicroseconds: user + system };
}

/** Runs numbers 0 … count − 1, `outstanding` of them at a time. */
export async function inFlight(
  count: number,
  outstanding: number,
  run: (number: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) {
      const number = next;
      next += 1;
      await run(number);
    }
  };
  await Promise.all(Array.from({ length: outstanding }, work));
}

/** Resident now, of it what is no file mapped into memory, and at the peak: MiB. */
export async function residentMib(): Promise<{
  readonly now: number;
  readonly anonymous: number;
  readonly peak: number;
}> {
  const status = await readFile('/proc/self/status', 'utf8');
  const of = (field: string): number =>
    Math.round(Number(new RegExp(`${field}:\\s*(\\d+)`).exec(status)?.[1] ?? 0) / 1024);
  return { now: of('VmRSS'), anonymous: of('RssAnon'), peak: of('VmHWM') };
}
