/** When what is not needed any more is taken away: one section, in a cluster's file and in a proxy's. */
import { defaultTo, section } from './schema.ts';
import { integer } from './values.ts';

const YEAR_SECONDS = 366 * 86_400;

export const sweepSection = section(
  {
    graceSeconds: defaultTo(
      3600,
      integer(2, YEAR_SECONDS),
      'Age from which on a stripe that nothing refers to is removed. A process that was cut off for half of it gives up the bodies it was writing.',
    ),
    intervalSeconds: defaultTo(600, integer(1, YEAR_SECONDS), 'Pause between two passes over the devices.'),
    expirySeconds: defaultTo(
      60,
      integer(1, YEAR_SECONDS),
      'Pause between two looks for objects whose time (X-Delete-At) is over. Readers are told at once that they are gone; this is for their bytes.',
    ),
    daySeconds: defaultTo(
      86_400,
      integer(1, YEAR_SECONDS),
      'What a day is to lifecycle rules, and how often they are carried out. Less is for trying rules out.',
    ),
    reclaimSeconds: defaultTo(
      604_800,
      integer(1, YEAR_SECONDS),
      'Age from which on the trace of a deletion is removed, once every replica has it.',
    ),
  },
  'How crashes’ remains and the traces of deletions are removed.',
);
