/** The program's version: package.json's, wherever the program runs from. */
import { readFileSync } from 'node:fs';

/** From source it stands two folders up, compiled (dist/console/cli) three. */
export function programVersion(): string {
  const up = import.meta.url.endsWith('.ts') ? '../../' : '../../../';
  const manifest = JSON.parse(readFileSync(new URL(`${up}package.json`, import.meta.url), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}
