/** `holdfast status`: what runs, what serves, and how full it is. */
import { resolve } from 'node:path';
import { exitCodes } from '#common/command-line.ts';
import { controlPortsOf, defaultClusterConfig } from '#common/config/cluster-config.ts';
import { hasCode } from '#common/errors.ts';
import type { ClusterStatus } from '../supervisor/cluster-status.ts';
import { dataPaths } from '../supervisor/data-paths.ts';
import { readIdentity } from '../supervisor/cluster-identity.ts';
import { integerOption, textOption } from './arguments.ts';
import type { ParsedCommand } from './command.ts';
import { fetchStatus, runningControl } from './control-client.ts';
import { textTable } from './ring/text-table.ts';
import { sizeText } from './size-text.ts';

export const statusCommand: ParsedCommand = {
  name: 'status',
  synopsis: '[--json] [--data DIR] [--port-offset N]',
  summary: 'tells what runs, what serves, and how full it is',
  about: `
Asks the running cluster of a data directory for its processes, its devices, its partitions, and the services of the
cluster on whatever machine. A partition is healthy
when all of its members serve, degraded when a majority does (everything works), unavailable below that (its keys
wait). Exit code 4 when no cluster runs.
`,
  options: {
    json: { about: 'as one JSON object' },
    data: { value: 'DIR', about: 'the folder that holds the cluster (default ./data)' },
    'port-offset': {
      value: 'N',
      about: 'asks at port 5002 + N, not where the cluster in DIR says that it is',
    },
  },
  words: [0, 0],
  async run(args, io) {
    const defaults = defaultClusterConfig();
    const paths = dataPaths(resolve(textOption(args, 'data') ?? defaults.data));
    const offset = integerOption(args, 'port-offset', 0, 50_000);
    const { statusPort } = controlPortsOf(defaults);
    const control =
      offset === undefined ? runningControl(paths) : { host: '127.0.0.1', port: statusPort + offset };
    const notRunning = (why: string) => {
      io.err.write(`holdfast status: ${why}; \`holdfast up\` starts it\n`);
      return exitCodes.notRunning;
    };
    if (readIdentity(paths) === undefined) return notRunning(`there is no cluster in ${paths.root}`);
    if (control === undefined) return notRunning(`the cluster in ${paths.root} is not running`);
    try {
      const status = await fetchStatus(paths, control);
      io.out.write(
        args.options['json'] === true ? `${JSON.stringify(status, undefined, 2)}\n` : statusText(status),
      );
      return exitCodes.ok;
    } catch (error) {
      if (!hasCode(error, 'peer-unavailable') && !hasCode(error, 'peer-unauthenticated')) throw error;
      return notRunning(`the cluster in ${paths.root} is not running (${error.message})`);
    }
  },
};

function movesText(moves: ClusterStatus['moves']): string {
  if (moves === undefined || moves.moving + moves.dropping === 0) return '';
  const { moving, joining, dropping, copiedRecords, copiedBlobs, copiedBytes, problem } = moves;
  const copied = `${copiedRecords} records and ${copiedBlobs} blobs (${sizeText(copiedBytes)}) copied`;
  const what = `moves: ${moving} replicas to move, ${joining} of them joining, ${dropping} to be dropped; ${copied}\n`;
  return problem === undefined ? what : `${what}${problem}\n`;
}

export function statusText(status: ClusterStatus): string {
  const { version, clusterId, partitions, endpoints } = status;
  // One that has several roles is listed under each of them.
  const listed = new Map(status.processes.map((listing) => [listing.name, listing]));
  const processes = Array.from(listed.values(), ({ name, pid, ports, state, restarts, startedAt }) => [
    name,
    pid ?? '-',
    ports.join(' '),
    state,
    restarts,
    startedAt.replace('T', ' ').slice(0, 19),
  ]);
  const devices = status.devices.map((device) => [
    device.id,
    device.zone,
    device.process,
    device.health,
    sizeText(device.totalBytes),
    sizeText(device.freeBytes),
    device.records,
    device.blobs,
    sizeText(device.blobBytes + device.logBytes),
    device.path,
  ]);
  return `holdfast ${version}, cluster ${clusterId.slice(0, 8)}, ring version ${status.ringVersion}
S3 ${endpoints.objects}   identity ${endpoints.control}

${textTable(['process', 'pid', 'port', 'state', 'restarts', 'since (UTC)'], processes)}
${textTable(['device', 'zone', 'process', 'health', 'size', 'free', 'records', 'blobs', 'stored', 'path'], devices)}
partitions: ${partitions.count}: ${partitions.healthy} healthy, ${partitions.degraded} degraded, ${partitions.unavailable} unavailable
${servicesText(status.services)}${movesText(status.moves)}`;
}

/** What runs on other machines is only here. */
function servicesText(services: ClusterStatus['services']): string {
  if (services === undefined) return '\nservices: control does not answer\n';
  const rows = services.map((service) => [
    service.id,
    service.binary,
    service.host,
    service.state,
    service.version,
    service.ring_version,
    service.devices_out.length === 0
      ? `${service.devices}`
      : `${service.devices} (out: ${service.devices_out.join(' ')})`,
    service.ports.join(' '),
    service.updated_at.replace('T', ' ').slice(0, 19),
  ]);
  const head = [
    'service',
    'binary',
    'host',
    'state',
    'version',
    'ring',
    'devices',
    'ports',
    'heard of (UTC)',
  ];
  return `\n${textTable(head, rows)}`;
}
