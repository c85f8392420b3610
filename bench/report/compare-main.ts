/** `holdfast bench compare A.json B.json`: what changed between two runs of `bench load`. */
import { type Command, exitCodes } from '#common/command-line.ts';
import { errorText } from '#common/errors.ts';
import { compareTable, unlikeness } from './compare-table.ts';
import { readDocument } from './document.ts';

const COMPARE_USAGE = `Usage: holdfast bench compare A.json B.json

Shows every figure of B as a multiple of A's, cell by cell; medians where a cell was repeated.
`;

export const benchCompareCommand: Command = async (args, io) => {
  if (args.includes('--help') || args.includes('-h')) {
    io.out.write(COMPARE_USAGE);
    return exitCodes.ok;
  }
  const [pathA, pathB] = args;
  const option = args.find((arg) => arg.startsWith('-'));
  if (option !== undefined || pathA === undefined || pathB === undefined || args.length > 2) {
    const wrong = option === undefined ? 'two files are needed' : `unknown option ${option}`;
    io.err.write(`holdfast bench compare: ${wrong}\n`);
    return exitCodes.usage;
  }
  try {
    const a = readDocument(pathA);
    const b = readDocument(pathB);
    for (const line of unlikeness(a, b)) io.out.write(`Note: ${line}\n`);
    io.out.write(compareTable(a, b));
    return exitCodes.ok;
  } catch (error) {
    io.err.write(`holdfast bench compare: ${errorText(error)}\n`);
    return exitCodes.usage;
  }
};
