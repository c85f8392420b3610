/** `holdfast bench load`: measures an object store from outside, by its public protocol. */
import { existsSync } from 'node:fs';
import { type Command, type CommandIo, exitCodes } from '#common/command-line.ts';
import { errorText, hasCode, HoldfastError } from '#common/errors.ts';
import { type LoadDocument, writeDocument } from '../report/document.ts';
import { loadTable } from '../report/load-table.ts';
import { ProgressLine } from '../report/progress-line.ts';
import { Bucket } from './bucket.ts';
import { LoadRun } from './load-run.ts';
import { serverCpuSeconds } from './server-cpu.ts';
import { type LoadSettings, readCredentials, readSettings } from './settings.ts';
import { LOAD_USAGE } from './usage.ts';

/** Finds out before the load what would spoil its results: no process to watch, no place for the results. */
function checkSurroundings(settings: LoadSettings): void {
  for (const pid of settings.pids)
    if (!existsSync(`/proc/${pid}`)) throw new HoldfastError('invalid-argument', `no process ${pid}`);
  const watched = serverCpuSeconds(settings);
  if (settings.runDirectory !== undefined && watched === undefined)
    throw new HoldfastError('invalid-argument', `no pid files in ${settings.runDirectory}`);
}

function outcome(document: LoadDocument): number {
  const failed = document.rows.some((row) => row.errors > 0 || row.operations === 0);
  return document.complete && !failed ? exitCodes.ok : exitCodes.failed;
}

async function run(settings: LoadSettings, io: CommandIo): Promise<number> {
  const credentials = readCredentials(settings, io.env);
  checkSurroundings(settings);
  const bucket = new Bucket(settings, credentials);
  const progress = new ProgressLine(io.err);
  const loadRun = new LoadRun(settings, bucket, {
    progress,
    signal: io.signal,
    save: (document) => {
      if (settings.jsonFile !== undefined) writeDocument(settings.jsonFile, document);
    },
  });
  const { document } = loadRun;
  if (settings.jsonFile !== undefined) writeDocument(settings.jsonFile, document);
  try {
    await loadRun.run();
  } finally {
    progress.clear();
    bucket.close();
  }
  if (document.rows.length > 0) io.out.write(loadTable(document.rows));
  if (document.stopped !== null) io.err.write(`holdfast bench load: ${document.stopped}\n`);
  return outcome(document);
}

export const benchLoadCommand: Command = async (args, io) => {
  try {
    const settings = readSettings(args, io.env);
    if (settings !== 'help') return await run(settings, io);
    io.out.write(LOAD_USAGE);
    return exitCodes.ok;
  } catch (error) {
    io.err.write(`holdfast bench load: ${errorText(error)}\n`);
    return hasCode(error, 'invalid-argument') ? exitCodes.usage : exitCodes.failed;
  }
};
