/**
 * CPU time of the servers under test and of the machine, from /proc (proc(5)). It is counted in ticks of 10 ms: over a
 * second or more that is precise enough, and unlike a rate it hardly changes when the machine is busy with others.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError } from '#common/errors.ts';

/** USER_HZ, which every Linux architecture of today reports as 100. */
const TICKS_PER_S = 100;
const ANCESTORS_MAX = 64;

export interface ServerProcesses {
  /** Given one by one; they are reported under their number. */
  readonly pids: readonly number[];
  /** A folder of `NAME.pid` files, reported under NAME; read again for every sample. */
  readonly runDirectory: string | undefined;
}

/** Seconds of CPU, user and system, of each process with its descendants. */
export type CpuByServer = Readonly<Record<string, number>>;

interface ProcessTimes {
  readonly parent: number;
  readonly seconds: number;
}

export function parseProcessStat(text: string): ProcessTimes {
  // The command's name may hold spaces and brackets: the fields begin behind its last bracket, with number 3.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0);
  return { parent: Number(fields[1]), seconds: ticks / TICKS_PER_S };
}

function allProcesses(): Map<number, ProcessTimes> {
  const processes = new Map<number, ProcessTimes>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      processes.set(Number(name), parseProcessStat(readFileSync(`/proc/${name}/stat`, 'latin1')));
    } catch {
      // It ended between the listing and the read; its time is its parent's now.
    }
  }
  return processes;
}

function rootsOf(servers: ServerProcesses): Map<number, string> {
  const roots = new Map(servers.pids.map((pid) => [pid, String(pid)]));
  if (servers.runDirectory === undefined) return roots;
  try {
    for (const file of readdirSync(servers.runDirectory)) {
      if (!file.endsWith('.pid')) continue;
      const pid = Number.parseInt(readFileSync(join(servers.runDirectory, file), 'utf8'), 10);
      if (pid > 0) roots.set(pid, file.slice(0, -'.pid'.length));
    }
  } catch (error) {
    throw new HoldfastError('invalid-argument', `cannot read the pid files in ${servers.runDirectory}`, {
      cause: error,
    });
  }
  return roots;
}

/** Seconds so far; undefined when there is nothing to watch. Throws `invalid-argument` without a readable folder. */
export function serverCpuSeconds(servers: ServerProcesses): CpuByServer | undefined {
  const roots = rootsOf(servers);
  if (roots.size === 0) return undefined;
  const processes = allProcesses();
  const seconds: Record<string, number> = {};
  for (const name of roots.values()) seconds[name] = 0;
  for (const [pid, times] of processes) {
    let ancestor = pid;
    for (let steps = 0; steps < ANCESTORS_MAX && ancestor > 0 && !roots.has(ancestor); steps++)
      ancestor = processes.get(ancestor)?.parent ?? 0;
    const name = roots.get(ancestor);
    if (name !== undefined) seconds[name] = (seconds[name] ?? 0) + times.seconds;
  }
  return seconds;
}

export interface MachineCpu {
  readonly busyS: number;
  readonly ioWaitS: number;
  readonly stealS: number;
}

/** Seconds of all processors together since the machine's start; undefined where there is no /proc. */
export function machineCpuSeconds(): MachineCpu | undefined {
  let line: string;
  try {
    line = readFileSync('/proc/stat', 'latin1').split('\n', 1)[0] ?? '';
  } catch {
    return undefined;
  }
  const ticks = line.split(/ +/).slice(1).map(Number);
  const seconds = (...fields: number[]): number =>
    fields.reduce((sum, field) => sum + (ticks[field] ?? 0), 0) / TICKS_PER_S;
  return { busyS: seconds(0, 1, 2, 5, 6), ioWaitS: seconds(4), stealS: seconds(7) };
}
