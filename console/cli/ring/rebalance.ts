import { exitCodes } from '#common/command-line.ts';
import type { RebalanceReport, RingBuilder } from '#ring/builder.ts';
import { reportDispersion } from '#ring/dispersion.ts';
import { targetRows } from '#ring/moves.ts';
import { holdsData } from './holds-data.ts';
import { changeBuilder } from './stored-builder.ts';
import { whileStopped } from './while-stopped.ts';
import { numberFrom, print, type RingRequest, type Subcommand } from './subcommand.ts';
import { percent } from './text-table.ts';

export const rebalance: Subcommand = {
  synopsis: '[--dry-run] [--seed N] [--holds-data]',
  summary: 'make the next ring from what is staged',
  help: `Makes the next version of the ring and replaces it; the roles that run follow it.

Each rebalance serves the most urgent cause that has work: replicas without a device, then devices that
joined, then weights, then dispersion. Of a partition at most one replica moves, unless its device is
gone; a partition that has moved stays for the hours set at \`create\`. Repeat it until nothing moves.

In a cluster that runs or holds data, replicas are moved: the change is planned, and the running cluster
(\`holdfast up\`) copies each replica to its new device while clients read and write, then lets the old one
drop what it had. \`holdfast status\` shows how far it is. A device that was removed stays in the ring until
nothing needs it. Another rebalance meanwhile changes the plan.

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
    return await changeBuilder(files, dataDirectory, async ({ builder, publish }) =>
      whileStopped(files, dataDirectory, async (isStopped) => {
        const first = builder.state.version === 0;
        const holds = !isStopped || options['holds-data'] === true || (await holdsData(files, dataDirectory));
        const report = builder.rebalance({ nowMs, ...seed, holdsData: holds });
        if (!dryRun) await publish();
        tell(request, builder, report, { dryRun, first, moves: holds && !first });
        return exitCodes.ok;
      }),
    );
  },
};

function tell(
  request: RingRequest,
  builder: RingBuilder,
  report: RebalanceReport,
  { dryRun, first, moves }: Record<'dryRun' | 'first' | 'moves', boolean>,
): void {
  const { state } = builder;
  const { together, worstDeviation } = reportDispersion(
    state.devices,
    targetRows(state),
    state.epochs.length,
  );
  const done = dryRun ? 'would make' : 'made';
  const again = report.placedReplicas > 0 && !first ? 'repeat it until nothing moves\n' : '';
  const { length } = state.moves;
  const how =
    moves && length > 0
      ? `the running cluster moves ${length} replicas; \`holdfast status\` tells how far it is\n`
      : '';
  const text = `${done} ring version ${report.version}: ${report.movedPartitions} partitions move (${causeText[report.cause]}), ${report.placedReplicas} replicas placed
worst device ${percent(worstDeviation)} off its share; zones shared without need by ${percent(together.zone)} of the partitions
${how}${again}`;
  print(request, { ...report, dryRun, worstDeviation, together, planned: length }, text);
}

const causeText: Record<RebalanceReport['cause'], string> = {
  'empty-slots': 'replicas had no device',
  'fewer-replicas': 'fewer replicas',
  joined: 'devices joined',
  weights: 'weights',
  dispersion: 'dispersion',
  none: 'nothing to do',
};
