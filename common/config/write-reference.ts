/** `npm run docs`: writes docs/configuration.md again. */
import { writeFileSync } from 'node:fs';
import { configurationPage } from './reference.ts';

writeFileSync(new URL('../../docs/configuration.md', import.meta.url), configurationPage());
