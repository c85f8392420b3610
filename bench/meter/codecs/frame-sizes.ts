/** Real frame sizes: of a media file, as ffprobe tells them, or of a text file with a number on each line. */
import { execFile } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { errorText, HoldfastError } from '#common/errors.ts';

const FRAMES_MAX = 1_000_000;
const OUTPUT_BYTES_MAX = 64 * 2 ** 20;
const SNIFF_BYTES = 4096;

function sizesOf(text: string, path: string): number[] {
  const sizes = text
    .split(/[\s,]+/)
    .filter((word) => word !== '')
    .map(Number);
  if (
    sizes.length === 0 ||
    sizes.length > FRAMES_MAX ||
    sizes.some((size) => !Number.isInteger(size) || size < 1)
  )
    throw new HoldfastError(
      'invalid-argument',
      `${path} does not give the sizes of 1 to ${FRAMES_MAX} frames`,
    );
  return sizes;
}

function isText(path: string): boolean {
  const head = Buffer.alloc(SNIFF_BYTES);
  const file = openSync(path, 'r');
  try {
    const length = readSync(file, head, 0, SNIFF_BYTES, 0);
    return /^[\d\s,]*$/.test(head.toString('latin1', 0, length));
  } finally {
    closeSync(file);
  }
}

/** Throws `invalid-argument` when there is no such file, or nothing in it is a video frame. */
export async function readFrameSizes(path: string): Promise<number[]> {
  let text: boolean;
  try {
    text = isText(path);
  } catch (error) {
    throw new HoldfastError('invalid-argument', `cannot read ${path}: ${errorText(error)}`, { cause: error });
  }
  if (text) return sizesOf(readFileSync(path, 'utf8'), path);
  const args = [
    '-v',
    'error',
    '-select_streams',
    'v:0',
    '-show_entries',
    'packet=size',
    '-of',
    'csv=p=0',
    path,
  ];
  let output: string;
  try {
    output = (await promisify(execFile)('ffprobe', args, { maxBuffer: OUTPUT_BYTES_MAX })).stdout;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const why = missing ? 'ffprobe is not installed' : (errorText(error).split('\n')[1] ?? errorText(error));
    throw new HoldfastError('invalid-argument', `cannot tell the frames of ${path}: ${why}`, {
      cause: error,
    });
  }
  return sizesOf(output, path);
}
