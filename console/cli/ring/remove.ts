import { exitCodes } from '#common/command-line.ts';
import { changeBuilder } from './stored-builder.ts';
import { deviceFrom } from './device-word.ts';
import { print, type Subcommand } from './subcommand.ts';

export const remove: Subcommand = {
  synopsis: 'ID',
  summary: 'stage the removal of a device',
  help: `Stages the removal of a device: with \`holdfast ring rebalance\` what it held gets other devices, and
nothing else moves. It stands in the ring, and serves if it can, until the others have everything. Its id is
never given to another.
`,
  wordsMin: 1,
  wordsMax: 1,
  options: {},
  async run(request) {
    const id = deviceFrom(request.words[0]);
    await changeBuilder(request.files, request.dataDirectory, async ({ builder, stage }) => {
      builder.remove(id);
      await stage();
    });
    print(
      request,
      { id },
      `staged the removal of device ${id}; \`holdfast ring rebalance\` takes it out of the ring\n`,
    );
    return exitCodes.ok;
  },
};
