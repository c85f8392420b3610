/** A process that is stopped and keeps what it has: its files, its connections, its children. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const STOP_MS_MAX = 30_000;

/** Stops a process, until it gets SIGCONT or SIGKILL; resolves when none of its threads runs, for one that still ran could do anything. */
export async function standStill(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  const deadlineMs = performance.now() + STOP_MS_MAX;
  while (!(await standsStill(pid))) {
    if (performance.now() > deadlineMs) throw new Error(`process ${pid} does not stop`);
  }
}

/** Whether each thread is stopped: a signal reaches the others only when the first has taken it. */
async function standsStill(pid: number): Promise<boolean> {
  const tasks = join('/proc', String(pid), 'task');
  const threads = await readdir(tasks);
  const states = threads.map(async (thread) => {
    // A thread that has ended meanwhile answers nothing.
    const stat = await readFile(join(tasks, thread, 'stat'), 'utf8').catch(() => ') T');
    return stat.slice(stat.lastIndexOf(')') + 2)[0];
  });
  return (await Promise.all(states)).every((state) => state === 'T');
}
