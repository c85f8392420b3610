/** `holdfast meter run SCRIPT.yaml`: drives agents through the steps of a script, and reports all of it as one. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, type CommandIo, exitCodes } from '#common/command-line.ts';
import { errorText, hasCode } from '#common/errors.ts';
import { parseOptions, wrong } from '../../load/option-values.ts';
import { MeterCrew } from '../crew/crew.ts';
import { LiveView } from '../report/live-view.ts';
import { newDocument, stopDocument } from '../report/meter-document.ts';
import { OUTPUT_OPTIONS, OUTPUT_USAGE, type OutputFiles, writeOutputs } from '../report/outputs.ts';
import { scriptForms, scriptTable, scriptVerdict } from '../report/script-page.ts';
import { runFault } from '../search/fault.ts';
import { runStreamsWish, streamsWishOf } from '../streams/streams-command.ts';
import { TOKEN_VARIABLE } from './greeting.ts';
import { connectAgent } from './remote-worker.ts';
import { readScript, type Script, type ScriptStep } from './script.ts';
import type { ScriptDocument, ScriptStepReport } from './script-document.ts';

const RUN_USAGE = `Usage: holdfast meter run SCRIPT.yaml [options]

Does the steps of a script, by the agents that it names or, without any, on this machine. The streams of a step are dealt
out evenly; all begin at the same moment. An agent that is lost is reported, and the others go on.

  agents: [10.0.0.5:7411, 10.0.0.6:7411]
  target: s3://
  options: { codec: xdcam-hd50, duration: 30s }      # as of \`holdfast meter streams\`
  steps:
    - { name: half, streams: 20 }
    - { pause: 10s }
    - { command: 'ssh storage-1 systemctl stop storage' }
    - { name: full, streams: 40, pattern: 'play:3,record' }

The token that agents ask for comes from ${TOKEN_VARIABLE}.

${OUTPUT_USAGE}`;

async function gather(
  script: Script,
  document: ScriptDocument,
  crew: MeterCrew,
  token: string,
): Promise<void> {
  await Promise.all(
    script.agents.map(async (address) => {
      const report = { address, host: null, processor: null, clockAheadMs: null, lost: null };
      try {
        const worker = await connectAgent(address, token, crew.eventsFor(`agent ${address}`));
        crew.join(worker);
        const { host, processor, processors } = worker.agent;
        const { clockAheadMs } = worker;
        document.agents.push({ ...report, host, processor: `${processors} × ${processor}`, clockAheadMs });
      } catch (error) {
        document.agents.push({ ...report, lost: errorText(error) });
      }
    }),
  );
}

/** Notes which agents are lost by now; a result without them is not what the script asked for. */
function noteLost(document: ScriptDocument, crew: MeterCrew): void {
  const names = new Set(crew.lost);
  for (const agent of document.agents)
    if (names.has(`agent ${agent.address}`)) agent.lost ??= 'it was lost while it measured';
  if (document.agents.some(({ lost }) => lost !== null) && !document.invalidReasons.includes('worker-lost'))
    document.invalidReasons.push('worker-lost');
}

async function doStep(
  step: ScriptStep,
  crew: MeterCrew,
  view: LiveView,
  io: CommandIo,
): Promise<ScriptStepReport> {
  const { name, kind } = step;
  view.activity(name);
  if (step.kind === 'pause') {
    await sleep(step.pauseMs, undefined, { signal: io.signal }).catch(() => undefined);
    return { name, kind, result: null };
  }
  if (step.kind === 'command') return { name, kind, result: await runFault(step.command) };
  const wish = await streamsWishOf(step.args, io.env);
  if (wish === 'help') throw wrong(`${name}: help is no step`);
  return { name, kind, result: await runStreamsWish(wish, crew, io, view) };
}

async function run(path: string, outputs: OutputFiles, io: CommandIo): Promise<number> {
  const script = readScript(path);
  // What is wrong with a step is told before the first one is done.
  for (const step of script.steps) if (step.kind === 'streams') await streamsWishOf(step.args, io.env);
  const document: ScriptDocument = Object.assign(newDocument('script', { script: path }), {
    agents: [],
    steps: [],
  });
  const view = new LiveView(io.err);
  using crew = script.agents.length === 0 ? MeterCrew.local(1, view) : new MeterCrew(view);
  await gather(script, document, crew, io.env[TOKEN_VARIABLE] ?? '');
  noteLost(document, crew);
  try {
    for (const step of script.steps) {
      if (io.signal.aborted) break;
      const report = await doStep(step, crew, view, io);
      document.steps.push(report);
      noteLost(document, crew);
      if (report.result !== null && 'runs' in report.result) {
        document.target = report.result.target;
        document.invalidReasons = [...new Set([...document.invalidReasons, ...report.result.invalidReasons])];
        if (report.result.stopped !== null)
          stopDocument(document, `${report.name}: ${report.result.stopped}`);
      }
      writeOutputs(document, outputs, scriptForms);
    }
  } catch (error) {
    stopDocument(document, errorText(error));
  }
  view.clear();
  if (io.signal.aborted) stopDocument(document, 'interrupted');
  document.complete = document.stopped === null && document.steps.length === script.steps.length;
  document.finishedAt = new Date().toISOString();
  document.valid = document.complete && document.invalidReasons.length === 0;
  writeOutputs(document, outputs, scriptForms);
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
