import { exitCodes } from '#common/command-line.ts';
import { changeBuilder } from './stored-builder.ts';
import { print, type Subcommand } from './subcommand.ts';

export const revert: Subcommand = {
  synopsis: '',
  summary: 'forget the staged changes',
  help: `Forgets what has been staged since the ring was made: devices, weights and replicas are again those of
the ring. The ids of devices that were staged are not given again.
`,
  wordsMin: 0,
  wordsMax: 0,
  options: {},
  async run(request) {
    const version = await changeBuilder(request.files, request.dataDirectory, async (stored) => {
      stored.builder.revertTo(await stored.ringTable());
      await stored.stage();
      return stored.builder.state.version;
    });
    print(request, { version }, `nothing is staged any more; the ring is version ${version}\n`);
    return exitCodes.ok;
  },
};
