import { exitCodes } from '#common/command-line.ts';
import { reportDispersion } from '#ring/dispersion.ts';
import { tierNames } from '#ring/placement/failure-tree.ts';
import { readStoredBuilder } from './stored-builder.ts';
import { print, type Subcommand } from './subcommand.ts';
import { percent, textTable } from './text-table.ts';

export const dispersion: Subcommand = {
  synopsis: '',
  summary: 'report how far apart replicas are, and the balance',
  help: `For each tier: the share of partitions with replicas that are together there although they need not be.
It is above 0 where weights ask for it; a higher overload lets dispersion win. Then the device that is
furthest from its share by weight, and the replicas without any device.
`,
  wordsMin: 0,
  wordsMax: 0,
  options: {},
  async run(request) {
    const { state } = await readStoredBuilder(request.files, request.dataDirectory);
    const { together, worstDeviation, missing, partitions, devices } = reportDispersion(
      state.devices,
      state.rows,
      state.epochs.length,
    );
    const value = { partitions, together, worstDeviation, missing, devices };
    const table = textTable(
      ['together in one', 'of the partitions'],
      tierNames.map((tier) => [tier, percent(together[tier])]),
    );
    print(
      request,
      value,
      `${table}worst device: ${percent(worstDeviation)} off its share\nreplicas without a device: ${missing}\n`,
    );
    return exitCodes.ok;
  },
};
