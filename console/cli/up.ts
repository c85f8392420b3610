/** `holdfast up`: a whole cluster on this machine, in the foreground. */
import { relative } from 'node:path';
import { type CommandIo, exitCodes } from '#common/command-line.ts';
import { DEVICES_MAX, loadClusterConfig } from '#common/config/cluster-config.ts';
import { errorText, HoldfastError } from '#common/errors.ts';
import { integerOption, textOption } from './arguments.ts';
import type { ParsedArguments, ParsedCommand } from './command.ts';
import { programVersion } from './version.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';

export const upCommand: ParsedCommand = {
  name: 'up',
  synopsis: '[--data DIR] [--devices N] [--zones N] [--port-offset N] [--config FILE]',
  summary: 'brings a cluster up in the foreground; Ctrl-C stops it',
  about: `
Brings a cluster up on this machine and serves until Ctrl-C. The first start makes the cluster and its credentials in the
data directory; every later one finds it there. It prints the endpoints and then, when everything serves, the line
"holdfast: ready". A process that dies is started again at once; one that keeps
dying within 30 s waits longer each time, up to 15 s.

  . DIR/credentials/admin.env    makes S3, Swift and OpenStack clients in this shell work
`,
  options: {
    data: { value: 'DIR', about: 'the folder that holds the cluster (default ./data)' },
    devices: {
      value: 'N',
      about: 'devices of a new cluster (default 4); later they are\nadded and removed with `holdfast ring`',
    },
    zones: { value: 'N', about: 'zones that they are spread over (default as many as devices, at most 4)' },
    'port-offset': {
      value: 'N',
      about:
        'added to every port (S3 8080, identity 5000, storage 6200 and on):\ntwo clusters stand side by side',
    },
    config: {
      value: 'FILE',
      about: 'settings in YAML, see docs/configuration.md; options here stand above it',
    },
  },
  words: [0, 0],
  run: up,
};

async function up(args: ParsedArguments, io: CommandIo): Promise<number> {
  const overrides = {
    data: textOption(args, 'data'),
    devices: integerOption(args, 'devices', 1, DEVICES_MAX),
    zones: integerOption(args, 'zones', 1, DEVICES_MAX),
    portOffset: integerOption(args, 'port-offset', 0, 50_000),
  };
  const config = loadClusterConfig(textOption(args, 'config'), overrides, process.cwd());
  const [{ Supervisor }, { realFiles }, { realRandomness }] = await Promise.all([
    import('../supervisor/supervisor.ts'),
    import('#common/io/real-files.ts'),
    import('#common/io/real-randomness.ts'),
  ]);
  let supervisor: Supervisor;
  try {
    supervisor = await Supervisor.start(config, {
      version: programVersion(),
      files: realFiles(),
      randomness: realRandomness(),
      nowMs: () => Date.now(),
      report: (event) => io.err.write(`holdfast: ${event}\n`),
    });
  } catch (error) {
    io.err.write(`holdfast up: ${errorText(error)}\n`);
    return isRefusal(error) ? exitCodes.refused : exitCodes.failed;
  }
  io.out.write(endpointTable(supervisor));
  // One write a line: whoever waits for this line reads it whole.
  io.out.write('holdfast: ready\n');
  await aborted(io.signal);
  io.err.write('holdfast: stopping\n');
  await supervisor.stop();
  io.out.write('holdfast: stopped\n');
  return exitCodes.ok;
}

function endpointTable({ data, endpoints, processes }: Supervisor): string {
  const { identity, devices, paths, isNew } = data;
  const env = relative(process.cwd(), paths.adminEnv);
  const shown = env.startsWith('..') ? paths.adminEnv : env;
  return `
holdfast ${programVersion()}: ${isNew ? 'a new cluster' : 'cluster'} ${identity.clusterId.slice(0, 8)} in ${paths.root}
  ${devices.length} devices in ${identity.zones} zones, ${processes.length} ${processes.length === 1 ? 'process' : 'processes'}

  S3        ${endpoints.objects}
  Swift     ${endpoints.objects}/auth/v1.0
  identity  ${endpoints.control}/identity/v3

  . ${shown}
  makes S3, Swift and OpenStack clients in a shell work; Ctrl-C stops the cluster (holdfast status tells how it is)

`;
}

/** Something that an operator can change: a taken port, a folder in use, a setting that does not fit. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const codes = ['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL', 'EROFS'];
  const system = 'systemCode' in error ? error.systemCode : 'code' in error ? error.code : undefined;
  if (typeof system === 'string' && codes.includes(system)) return true;
  return (
    error instanceof HoldfastError &&
    ['data-in-use', 'configuration-invalid', 'format-invalid'].includes(error.code)
  );
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
