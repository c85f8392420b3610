import { exitCodes } from '#common/command-line.ts';
import type { Address } from '#common/io/network.ts';
import { numberFrom, print, type Subcommand, textFrom, UsageError } from './subcommand.ts';
import { changeBuilder } from './stored-builder.ts';

/** Where the devices of this machine listen is known to whoever starts them. */
const SET_BY_UP = '127.0.0.1:1';

export const add: Subcommand = {
  synopsis: '--zone N --host NAME [--address HOST:PORT] [--region N] [--rack N] [--weight W]',
  summary: 'stage a new device',
  help: `Stages a device; \`holdfast ring rebalance\` gives it replicas. Prints the id that it gets.

  --zone N             what fails together within a region: a room, a power supply
  --host NAME          the machine that it is in
  --address HOST:PORT  where its storage node listens ([::1]:6200 for IPv6); the cluster of \`holdfast up\` sets it
  --region N           the site (default 1)
  --rack N             the rack within the zone (default 0)
  --weight W           its share of the data relative to others, such as its size in GB (default 100)
`,
  wordsMin: 0,
  wordsMax: 0,
  options: {
    address: { type: 'string' },
    zone: { type: 'string' },
    host: { type: 'string' },
    region: { type: 'string' },
    rack: { type: 'string' },
    weight: { type: 'string' },
  },
  async run(request) {
    const { options } = request;
    const device = {
      region: numberFrom(options.region, '--region', 1),
      zone: numberFrom(options.zone, '--zone'),
      rack: numberFrom(options.rack, '--rack', 0),
      host: textFrom(options.host, '--host'),
      address: addressFrom(textFrom(options.address ?? SET_BY_UP, '--address')),
      weight: numberFrom(options.weight, '--weight', 100),
    };
    const id = await changeBuilder(request.files, request.dataDirectory, async ({ builder, stage }) => {
      const added = builder.add(device);
      await stage();
      return added;
    });
    print(
      request,
      { id, ...device },
      `staged device ${id}; \`holdfast ring rebalance\` puts it into the ring\n`,
    );
    return exitCodes.ok;
  },
};

function addressFrom(text: string): Address {
  const match = /^(?:\[(?<v6>[0-9A-Fa-f:.]+)\]|(?<name>[^:[\]\s]+)):(?<port>\d{1,5})$/.exec(text);
  const host = match?.groups?.v6 ?? match?.groups?.name;
  const port = Number(match?.groups?.port);
  if (host === undefined || port < 1 || port > 65_535)
    throw new UsageError(`--address is HOST:PORT, not "${text}"`);
  return { host, port };
}
