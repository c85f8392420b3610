import { exitCodes } from '#common/command-line.ts';
import { reportDispersion } from '#ring/dispersion.ts';
import { print, type Subcommand } from './subcommand.ts';
import { readStoredBuilder } from './stored-builder.ts';
import { percent, textTable } from './text-table.ts';

export const show: Subcommand = {
  synopsis: '',
  summary: 'show the devices, their weights and what each holds',
  help: `Shows the ring as it is staged: devices with what each holds now, and how far that is from its
share by weight. A staged change is in the ring only after \`holdfast ring rebalance\`.
`,
  wordsMin: 0,
  wordsMax: 0,
  options: {},
  async run(request) {
    const { state } = await readStoredBuilder(request.files, request.dataDirectory);
    const report = reportDispersion(state.devices, state.rows, state.epochs.length);
    const balances = new Map(report.devices.map((balance) => [balance.id, balance]));
    const devices = state.devices.map((device) => {
      const { replicas = 0, deviation = 0 } = balances.get(device.id) ?? {};
      return { ...device, replicas, deviation };
    });
    const { version, partitionPower, replicas, overload, minMoveHours, staged } = state;
    const value = { version, partitionPower, replicas, overload, minMoveHours, staged, devices };
    const table = textTable(
      ['id', 'region', 'zone', 'rack', 'host', 'address', 'weight', 'holds', 'off its share'],
      devices.map((device) => [
        device.id,
        device.region,
        device.zone,
        device.rack,
        device.host,
        `${device.address.host}:${device.address.port}`,
        device.weight,
        device.replicas,
        percent(device.deviation),
      ]),
    );
    const first = `ring version ${version}, 2^${partitionPower} partitions, ${replicas} replicas, overload ${percent(overload)}, ${minMoveHours} h between moves\n`;
    const last = staged ? 'changes are staged: `holdfast ring rebalance` puts them into the ring\n' : '';
    print(request, value, first + table + last);
    return exitCodes.ok;
  },
};
