/** The processes that a supervisor which was killed has left: they end by themselves, and the next start waits for it. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DataPaths } from './data-paths.ts';
import { processPaths } from './data-paths.ts';

export const WAIT_MS_MAX = 15_000;
const POLL_MS = 50;

/** Resolves when none is left. @param report told once whom it waits for, and whom it kills. */
export async function endStaleProcesses(paths: DataPaths, report: (event: string) => void): Promise<void> {
  const names = readdirSync(paths.run)
    .filter((name) => name.endsWith('.pid'))
    .map((name) => name.slice(0, -'.pid'.length));
  for (const name of names) {
    const { config, pid: pidFile } = processPaths(paths, name);
    const pid = Number(readFileSync(pidFile, 'utf8'));
    if (isOurs(pid, config)) report(`waiting for ${name} (pid ${pid}) of the last run to end`);
    const deadlineMs = performance.now() + WAIT_MS_MAX;
    while (isOurs(pid, config)) {
      if (performance.now() > deadlineMs) {
        report(`${name} (pid ${pid}) of the last run did not end: killed`);
        process.kill(pid, 'SIGKILL');
      }
      await sleep(POLL_MS);
    }
    rmSync(join(paths.run, `${name}.pid`), { force: true });
  }
}

/** A pid may since have gone to another program: ours names the process's own file on its command line. */
function isOurs(pid: number, configFile: string): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 1 || !isRunning(pid)) return false;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(configFile);
  } catch {
    return false;
  }
}

/** One that waits for its parent to hear of its end does not, unless a thread of it is not through with its files. */
export function isRunning(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return !(/^State:\s+Z/m.test(status) && /^Threads:\s+[01]$/m.test(status));
  } catch {
    return false;
  }
}
