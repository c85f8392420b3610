/** `npm run simulate -- --cluster`: schedules of a whole cluster, until one shows a violation. */
import { type TextSink, exitCodes } from '#common/command-line.ts';
import { createPlacement } from '#ring/placement-hash.ts';
import { tellStory } from '../story.ts';
import type { ClusterParts } from './cluster-world.ts';
import { runClusterSchedule } from './run-cluster-schedule.ts';

/** Returns the exit code. */
export async function simulateCluster(
  firstSeed: number,
  seeds: number,
  parts: ClusterParts,
  out: TextSink,
): Promise<number> {
  const placement = await createPlacement();
  const total = { operations: 0, listings: 0, crashes: 0, moves: 0, repairs: 0 };
  const tell = (schedules: number): void => {
    const figures = Object.entries(total).map(([name, count]) => `  ${name.padEnd(16)} ${count}`);
    out.write(`${[`${schedules} schedules of a cluster`, ...figures].join('\n')}\n`);
  };
  for (let index = 0; index < seeds; index += 1) {
    const result = await runClusterSchedule(firstSeed + index, placement, parts);
    total.operations += result.operations;
    total.listings += result.listings;
    total.crashes += result.crashes;
    total.moves += result.moves;
    total.repairs += result.repairs;
    if (result.violation === undefined) continue;
    tell(index + 1);
    out.write(`seed ${result.seed}: ${result.violation}\n${tellStory(result.history).join('\n')}\n`);
    return exitCodes.failed;
  }
  tell(seeds);
  return exitCodes.ok;
}
