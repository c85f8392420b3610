import { exitCodes } from '#common/command-line.ts';
import { changeBuilder } from './stored-builder.ts';
import { deviceFrom } from './device-word.ts';
import { numberFrom, print, type Subcommand } from './subcommand.ts';

export const setWeight: Subcommand = {
  synopsis: 'ID WEIGHT',
  summary: "stage another weight of a device's",
  help: `Stages a device's share of the data relative to the others. Weight 0 empties it, one replica of a
partition at a time, before it is removed.
`,
  wordsMin: 2,
  wordsMax: 2,
  options: {},
  async run(request) {
    const id = deviceFrom(request.words[0]);
    const weight = numberFrom(request.words[1], 'the weight');
    await changeBuilder(request.files, request.dataDirectory, async ({ builder, stage }) => {
      builder.setWeight(id, weight);
      await stage();
    });
    print(
      request,
      { id, weight },
      `staged weight ${weight} for device ${id}; \`holdfast ring rebalance\` applies it\n`,
    );
    return exitCodes.ok;
  },
};
