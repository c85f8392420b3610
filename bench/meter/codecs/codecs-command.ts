/** `holdfast meter codecs`: the table, as text or JSON. */
import { type Command, exitCodes } from '#common/command-line.ts';
import { textTable } from '../../report/text-table.ts';
import { type Codec, frameBytesOf } from './codec.ts';
import { CODECS } from './table.ts';

const CODECS_USAGE = `Usage: holdfast meter codecs [--json]

Lists the codecs that the meter knows: frame rate, bytes of a frame, rate, and where the figure stands.
`;

function line(codec: Codec): string[] {
  const bytes = frameBytesOf(codec, codec.framesPerS);
  const mbit = (bytes * 8 * codec.framesPerS) / 1e6;
  return [
    codec.name,
    String(Number(codec.framesPerS.toFixed(3))),
    bytes.toLocaleString('en'),
    mbit < 10 ? mbit.toFixed(1) : mbit.toFixed(0),
    ((bytes * codec.framesPerS) / 2 ** 20).toFixed(2),
    codec.layout === 'clip' ? 'one file' : 'file a frame',
    `${codec.title}. ${codec.source}`,
  ];
}

export const codecsCommand: Command = (args, io) => {
  const json = args.length === 1 && args[0] === '--json';
  if (args[0] === '--help' || args[0] === '-h') io.out.write(CODECS_USAGE);
  else if (json) {
    const rows = CODECS.map((codec) => ({ ...codec, frameBytes: frameBytesOf(codec, codec.framesPerS) }));
    io.out.write(`${JSON.stringify(rows, null, 2)}\n`);
  } else if (args.length === 0)
    io.out.write(
      textTable(
        ['codec', 'fps', 'bytes/frame', 'Mbit/s', 'MiB/s', 'stored as', 'what, and source'],
        CODECS.map(line),
      ),
    );
  else {
    io.err.write(`holdfast meter codecs: unknown option ${args[0]}\n`);
    return Promise.resolve(exitCodes.usage);
  }
  return Promise.resolve(exitCodes.ok);
};
