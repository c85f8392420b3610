/** `holdfast meter run SCRIPT.yaml`: drives agents through the steps of a script, and reports all of it as one. */
import { type Command, type CommandIo, exitCodes } from '#common/command-line.ts';
import { errorText, hasCode } from '#common/errors.ts';
import { parseOptions, wrong } from '../../load/option-values.ts';
import { MeterCrew } from '../crew/crew.ts';
import { LiveView } from '../report/live-view.ts';
import { newDocument, stopDocument } from '../report/meter-document.ts';
import { OUTPUT_OPTIONS, OUTPUT_USAGE, tryOutputs } from '../report/outputs.ts';
import {
  type ScriptOutputFiles,
  scriptTable,
  scriptVerdict,
  writeScriptOutputs,
} from '../report/script-page.ts';
import { TOKEN_VARIABLE } from './greeting.ts';
import { connectAgent, type RemoteWorker } from './remote-worker.ts';
import { readScript, type Script } from './script.ts';
import {
  type AgentReport,
  measuredBy,
  type ScriptDocument,
  type ScriptStepReport,
} from './script-document.ts';
import { doStep, type Plan, planOf } from './script-steps.ts';

const RUN_USAGE = `Usage: holdfast meter run SCRIPT.yaml [options]

Does the steps of a script, by the agents that it names or, without any, on this machine, and reports all of it as one. The
streams of a step are dealt out evenly over the agents; all begin at the same moment. An agent that is lost is reported,
and the others go on (a search ends).

  agents: [10.0.0.5:7411, 10.0.0.6:7411]
  target: s3://
  options: { codec: xdcam-hd50, duration: 30s }      # as of \`holdfast meter streams\`, search, ops or classic
  environment: { AWS_ENDPOINT_URL: '\${OTHER_URL}' }  # \${NAME} and \${NAME:-otherwise} anywhere, of this environment
  steps:
    - { name: half, streams: 20 }
    - { pause: 10s }
    - { command: 'ssh storage-1 systemctl stop storage' }
    - { name: full, streams: 40, pattern: 'play:3,record' }
    - { mode: ops, mix: 'get:70,put:30' }             # mode: streams, search, ops or classic
    - mode: search                                    # each way to take one of each list, the last list's in turn
      each:
        - [{ codec: dv25, start: 64 }, { codec: prores-hq }]
        - [{ name: ours, target: 's3://' }, { name: disk, target: '\${FOLDER}', when: '\${FOLDER:-}' }]

The token that agents ask for comes from ${TOKEN_VARIABLE}. How long it takes is said before it begins.

${OUTPUT_USAGE}  --markdown FILE         the table; of steps made by two lists, also one across the other
`;

async function gather(
  script: Script,
  document: ScriptDocument,
  crew: MeterCrew,
  token: string,
): Promise<Map<AgentReport, RemoteWorker>> {
  const found = await Promise.all(
    script.agents.map(async (address) => {
      const clock = { clockAheadMs: null, clockUncertaintyMs: null };
      const report = { address, host: null, processor: null, ...clock, lost: null };
      try {
        const worker = await connectAgent(address, token, crew.eventsFor(`agent ${address}`));
        const { host, processor, processors } = worker.agent;
        const { clockAheadMs, clockUncertaintyMs } = worker;
        const who = { host, processor: `${processors} × ${processor}`, clockAheadMs, clockUncertaintyMs };
        return { worker, report: { ...report, ...who } };
      } catch (error) {
        return { worker: undefined, report: { ...report, lost: errorText(error) } };
      }
    }),
  );
  // In the script's order, whoever answered first: what is kept in an agent's folder is found there the next time.
  const workers = new Map<AgentReport, RemoteWorker>();
  for (const { worker, report } of found) {
    document.agents.push(report);
    if (worker === undefined) continue;
    crew.join(worker);
    workers.set(report, worker);
  }
  return workers;
}

/** Notes how the agents' clocks are now, and which of them are lost; a result without them is not what the script asked for. */
function noteAgents(
  document: ScriptDocument,
  crew: MeterCrew,
  workers: ReadonlyMap<AgentReport, RemoteWorker>,
): void {
  for (const [report, { clockAheadMs, clockUncertaintyMs }] of workers)
    Object.assign(report, { clockAheadMs, clockUncertaintyMs });
  const names = new Set(crew.lost);
  for (const agent of document.agents)
    if (names.has(`agent ${agent.address}`)) agent.lost ??= 'it was lost while it measured';
  if (document.agents.some(({ lost }) => lost !== null) && !document.invalidReasons.includes('worker-lost'))
    document.invalidReasons.push('worker-lost');
}

function planText({ agents, steps, skipped }: Script, { measurements, expectedS }: Plan): string {
  const who = agents.length === 0 ? 'this machine' : `${agents.length} agents`;
  const minutes = expectedS < 90 ? `${Math.ceil(expectedS)} s` : `${Math.ceil(expectedS / 60)} minutes`;
  const left = skipped.length === 0 ? '' : `; left out by their \`when\`: ${skipped.join('; ')}`;
  return `${steps.length} steps, ${measurements} of them measurements, by ${who}: about ${minutes}${left}\n`;
}

/** Takes what a step says of itself over to the script. */
function note(document: ScriptDocument, report: ScriptStepReport): void {
  document.steps.push(report);
  const measured = measuredBy(report);
  const { result } = report;
  // What follows was to be measured on a storage to which that had been done.
  const failed = result !== null && 'exitCode' in result && result.exitCode !== 0;
  if (failed && !document.invalidReasons.includes('command-failed'))
    document.invalidReasons.push('command-failed');
  if (measured === undefined) return;
  document.target = measured.target;
  document.invalidReasons = [...new Set([...document.invalidReasons, ...measured.invalidReasons])];
  if (measured.stopped !== null) stopDocument(document, `${report.name}: ${measured.stopped}`);
}

async function doSteps(
  script: Script,
  document: ScriptDocument,
  agents: MeterCrew | undefined,
  view: LiveView,
  io: CommandIo,
  noted: () => void,
  written: () => void,
): Promise<void> {
  for (const [at, step] of script.steps.entries()) {
    if (io.signal.aborted) break;
    view.clear();
    io.err.write(`${at + 1} of ${script.steps.length}: ${step.name}\n`);
    note(document, await doStep(step, agents, view, io));
    noted();
    written();
  }
}

async function run(path: string, outputs: ScriptOutputFiles, io: CommandIo): Promise<number> {
  const script = readScript(path, io.env);
  // What is wrong with a step is told before the first one is done.
  const plan = await planOf(script.steps, io.env);
  tryOutputs(outputs, outputs.markdown);
  io.err.write(planText(script, plan));
  const document: ScriptDocument = Object.assign(
    newDocument('script', { script: path, skipped: script.skipped, expectedS: Math.ceil(plan.expectedS) }),
    { agents: [], steps: [] },
  );
  const view = new LiveView(io.err);
  using crew = script.agents.length === 0 ? undefined : new MeterCrew(view);
  const workers =
    crew === undefined ? undefined : await gather(script, document, crew, io.env[TOKEN_VARIABLE] ?? '');
  const noted = (): void => {
    if (crew !== undefined && workers !== undefined) noteAgents(document, crew, workers);
  };
  noted();
  const written = (): void => writeScriptOutputs(document, outputs);
  try {
    await doSteps(script, document, crew, view, io, noted, written);
  } catch (error) {
    stopDocument(document, errorText(error));
  }
  view.clear();
  if (io.signal.aborted) stopDocument(document, 'interrupted');
  document.complete = document.stopped === null && document.steps.length === script.steps.length;
  document.finishedAt = new Date().toISOString();
  document.valid = document.complete && document.invalidReasons.length === 0;
  written();
  io.out.write(`${scriptTable(document)}\n${scriptVerdict(document)}\n`);
  if (document.stopped !== null) io.err.write(`holdfast meter run: ${document.stopped}\n`);
  return document.complete && document.agents.every(({ lost }) => lost === null)
    ? exitCodes.ok
    : exitCodes.failed;
}

export const runCommand: Command = async (args, io) => {
  try {
    const [path = '', ...options] = args;
    const isPath = path !== '' && !path.startsWith('-');
    const values = parseOptions(isPath ? options : args, {
      ...OUTPUT_OPTIONS,
      markdown: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    });
    if (values.help === true) {
      io.out.write(RUN_USAGE);
      return exitCodes.ok;
    }
    if (!isPath) throw wrong('no script: `holdfast meter run SCRIPT.yaml`');
    return await run(path, values, io);
  } catch (error) {
    io.err.write(`holdfast meter run: ${errorText(error)}\n`);
    return hasCode(error, 'invalid-argument') ? exitCodes.usage : exitCodes.failed;
  }
};
