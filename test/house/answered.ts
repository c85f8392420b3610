/** What commands say that ask a running cluster. */
import assert from 'node:assert/strict';
import { exitCodes } from '#common/command-line.ts';
import type { ClusterStatus } from '#console/supervisor/cluster-status.ts';
import { type Finished, holdfast } from './foreground.ts';

const WAIT_MS_MAX = 60_000;

/**
 * What a command prints that succeeds. It is run again while nothing answers it in time, which a busy machine, or a process that is
 * being started again, may be the cause of; every other failure is thrown.
 */
export async function answered(run: () => Promise<Finished>): Promise<string> {
  const deadlineMs = performance.now() + WAIT_MS_MAX;
  for (;;) {
    const { code, stdout, stderr } = await run();
    if (code === exitCodes.ok) return stdout;
    assert.ok(code === exitCodes.notRunning && performance.now() < deadlineMs, `${code}: ${stderr}`);
  }
}

/** @param run the program, where it is not to have the environment of whoever runs the test. */
export async function statusOf(data: string, run = holdfast): Promise<ClusterStatus> {
  return JSON.parse(await answered(() => run('status', '--json', '--data', data))) as ClusterStatus;
}
