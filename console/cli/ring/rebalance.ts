import { exitCodes } from '#common/command-line.ts';
import type { RebalanceReport, RingBuilder } from '#ring/builder.ts';
import { reportDispersion } from '#ring/dispersion.ts';
import { holdsData } from './holds-data.ts';
import { changeBuilder } from './stored-builder.ts';
import { numberFrom, print, RefusedError, type RingRequest, type Subcommand } from './subcommand.ts';
import { percent } from './text-table.ts';

export const rebalance: Subcommand = {
  synopsis: '[--dry-run] [--seed N] [--holds-data]',
  summary: 'make the next ring from what is staged',
  help: `Makes the next version of the ring and replaces it; the roles take it up at their next start.

Each rebalance serves the most urgent cause that has work: replicas without a device, then devices that
joined, then weights, then dispersion. Of a partition at most one replica moves, unless its device is
gone; a partition that has moved stays for the hours set at \`create\`. Repeat it until nothing moves.

A cluster that holds data: copying replicas to their new devices is not built yet. So a rebalance that
would change the devices of any partition is refused with exit code 3, and nothing is changed, once a
device of this folder holds data. Possible then: whatever moves nothing. Before the first object is
stored everything is possible. \`holdfast ring revert\` forgets what is staged.

  --dry-run     say what would move; change nothing
  --seed N      another choice among equals (default: the new version's number)
  --holds-data  the cluster holds data, although no device of this folder does
`,
  wordsMin: 0,
  wordsMax: 0,
  options: { 'dry-run': { type: 'boolean' }, seed: { type: 'string' }, 'holds-data': { type: 'boolean' } },
  async run(request) {
    const { files, dataDirectory, options, nowMs } = request;
    const seed = options.seed === undefined ? {} : { seed: numberFrom(options.seed, '--seed') };
    const dryRun = options['dry-run'] === true;
    return await changeBuilder(files, dataDirectory, async ({ builder, publish }) => {
      const first = builder.state.version === 0;
      const report = builder.rebalance({ nowMs, ...seed });
      const bound = options['holds-data'] === true || (await holdsData(files, dataDirectory));
      if (bound && report.movedPartitions > 0 && !dryRun) throw new RefusedError(refusal(report));
      if (!dryRun) await publish();
      tell(request, builder, report, { dryRun, first });
      return exitCodes.ok;
    });
  },
};

function refusal({ movedPartitions }: RebalanceReport): string {
  return `the cluster holds data, and the new ring would move replicas of ${movedPartitions} partitions: copying them is not built yet, so nothing was changed.
Possible with data: changes that move nothing (see --dry-run). \`holdfast ring revert\` forgets what is staged.`;
}

function tell(
  request: RingRequest,
  builder: RingBuilder,
  report: RebalanceReport,
  { dryRun, first }: { readonly dryRun: boolean; readonly first: boolean },
): void {
  const { state } = builder;
  const { together, worstDeviation } = reportDispersion(state.devices, state.rows, state.epochs.length);
  const done = dryRun ? 'would make' : 'made';
  const again = report.placedReplicas > 0 && !first ? 'repeat it until nothing moves\n' : '';
  const text = `${done} ring version ${report.version}: ${report.movedPartitions} partitions move (${causeText[report.cause]}), ${report.placedReplicas} replicas placed
worst device ${percent(worstDeviation)} off its share; zones shared without need by ${percent(together.zone)} of the partitions
${again}`;
  print(request, { ...report, dryRun, worstDeviation, together }, text);
}

const causeText: Record<RebalanceReport['cause'], string> = {
  'empty-slots': 'replicas had no device',
  'fewer-replicas': 'fewer replicas',
  joined: 'devices joined',
  weights: 'weights',
  dispersion: 'dispersion',
  none: 'nothing to do',
};
