/** Runs a command's part that asks the cloud, and tells in one sentence what keeps it from that. */
import { resolve } from 'node:path';
import { type CommandIo, exitCodes } from '#common/command-line.ts';
import { hasCode } from '#common/errors.ts';
import { dataPaths } from '../supervisor/data-paths.ts';
import { textOption } from './arguments.ts';
import { type CloudClient, openCloud } from './cloud-client.ts';
import type { ParsedArguments } from './command.ts';

export async function withCloud(
  command: string,
  args: ParsedArguments,
  io: CommandIo,
  run: (cloud: CloudClient) => Promise<void>,
): Promise<number> {
  const paths = dataPaths(resolve(textOption(args, 'data') ?? './data'));
  try {
    await run(await openCloud(paths));
    return exitCodes.ok;
  } catch (error) {
    const notRunning = hasCode(error, 'peer-unavailable') || hasCode(error, 'peer-unauthenticated');
    if (!notRunning && !hasCode(error, 'request-refused') && !hasCode(error, 'invalid-argument')) throw error;
    io.err.write(`holdfast ${command}: ${error.message}\n`);
    return notRunning ? exitCodes.notRunning : exitCodes.refused;
  }
}
