import { exitCodes } from '#common/command-line.ts';
import { whileLocked } from '#common/io/while-locked.ts';
import { defaultSettings, RingBuilder } from '#ring/builder.ts';
import { ringPaths, writeBuilder } from '#ring/file/ring-files.ts';
import { numberFrom, print, RefusedError, type Subcommand } from './subcommand.ts';

export const create: Subcommand = {
  synopsis: '[--partition-power P] [--replicas R] [--overload F] [--min-hours H]',
  summary: 'begin an empty ring, for a cluster of several machines',
  help: `Makes an empty builder. \`holdfast up\` makes the ring of one machine by itself.

  --partition-power P  2^P partitions, 0 to 20: about 100 for each device that there may ever be
                       (default ${defaultSettings.partitionPower})
  --replicas R         replicas of everything, may be a fraction (default ${defaultSettings.replicas})
  --overload F         share above its weight that a device may take where this keeps replicas
                       further apart; 0.1 is 10 % (default ${defaultSettings.overload})
  --min-hours H        a partition that has moved stays for so long (default ${defaultSettings.minMoveHours})
`,
  wordsMin: 0,
  wordsMax: 0,
  options: {
    'partition-power': { type: 'string' },
    replicas: { type: 'string' },
    overload: { type: 'string' },
    'min-hours': { type: 'string' },
  },
  async run(request) {
    const { files, dataDirectory, options } = request;
    const paths = ringPaths(dataDirectory);
    const builder = RingBuilder.create({
      partitionPower: numberFrom(
        options['partition-power'],
        '--partition-power',
        defaultSettings.partitionPower,
      ),
      replicas: numberFrom(options.replicas, '--replicas', defaultSettings.replicas),
      overload: numberFrom(options.overload, '--overload', defaultSettings.overload),
      minMoveHours: numberFrom(options['min-hours'], '--min-hours', defaultSettings.minMoveHours),
    });
    await files.makeDirectory(paths.folder);
    await whileLocked(files, paths.lock, async () => {
      if (await files.exists(paths.builder))
        throw new RefusedError(`there is a ring in ${dataDirectory} already`);
      await writeBuilder(files, paths.builder, builder);
    });
    const { partitionPower, replicas } = builder.state;
    print(
      request,
      { partitionPower, replicas },
      `made an empty ring of ${2 ** partitionPower} partitions and ${replicas} replicas; add devices, then \`holdfast ring rebalance\`\n`,
    );
    return exitCodes.ok;
  },
};
