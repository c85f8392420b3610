import { exitCodes } from '#common/command-line.ts';
import { HoldfastError } from '#common/errors.ts';
import { deviceFrom } from './device-word.ts';
import { changeBuilder } from './stored-builder.ts';
import { print, type Subcommand } from './subcommand.ts';

export const replace: Subcommand = {
  synopsis: 'ID',
  summary: 'stage an empty device in the place of one that is lost',
  help: `Stages the removal of a device and a new one in its place, with its weight: what the old one held is
copied to it from the other replicas, by \`holdfast ring rebalance\` and the running cluster. Prints the id
of the new device, whose disk is to be mounted at DIR/devices/dID; an id is never given to another disk.
`,
  wordsMin: 1,
  wordsMax: 1,
  options: {},
  async run(request) {
    const id = deviceFrom(request.words[0]);
    const added = await changeBuilder(request.files, request.dataDirectory, async ({ builder, stage }) => {
      const lost = builder.state.devices.find((device) => device.id === id);
      if (lost === undefined) throw new HoldfastError('invalid-argument', `there is no device ${id}`);
      builder.remove(id);
      const { id: _, ...place } = lost;
      const replacement = builder.add(place);
      await stage();
      return replacement;
    });
    print(
      request,
      { id, replacement: added },
      `staged device ${added} in the place of device ${id}; \`holdfast ring rebalance\` has it copied\n`,
    );
    return exitCodes.ok;
  },
};
