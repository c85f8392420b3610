/** Writes docs/policy.md from the table itself: `node control/policy/write-page.ts`. */
import { writeFileSync } from 'node:fs';
import { policedApis } from './policed-apis.ts';
import { policyPage } from './policy-page.ts';

writeFileSync(new URL('../../docs/policy.md', import.meta.url), policyPage(policedApis()));
