import { readFileSync, readdirSync } from 'node:fs';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import { GPUS } from '../../src/cli/commands/gpus.ts';
import { LIST } from '../../src/cli/commands/list.ts';
import { LOGS } from '../../src/cli/commands/logs.ts';
import { PLAN } from '../../src/cli/commands/plan.ts';
import { DECIDE, PODS } from '../../src/cli/commands/pods.ts';
import { SHOW } from '../../src/cli/commands/show.ts';
import { CANCEL, PAUSE, RESUME } from '../../src/cli/commands/wish.ts';
import { ARTIFACTS } from '../../src/cli/download-job.ts';
import { LOG_STREAM, STATE_STREAM } from '../../src/cli/job-stream.ts';
import { SIGHTING } from '../../src/cli/poll-job.ts';
import { RETRY, SUBMIT } from '../../src/cli/submit-job.ts';
import { CREATE_UPLOAD } from '../../src/cli/upload-dataset.ts';
import { STATE } from '../../src/cli/watch-job.ts';

const schema = buildSubgraphSchema(
  readdirSync('schema')
    .map((name) => parse(readFileSync(`schema/${name}`, 'utf8')))
    .map((typeDefs) => ({ typeDefs })),
);

const DOCUMENTS = {
  ARTIFACTS,
  CANCEL,
  CREATE_UPLOAD,
  DECIDE,
  GPUS,
  LIST,
  LOGS,
  LOG_STREAM,
  PAUSE,
  PLAN,
  PODS,
  RESUME,
  RETRY,
  SHOW,
  SIGHTING,
  STATE,
  STATE_STREAM,
  SUBMIT,
};

test.each(Object.entries(DOCUMENTS))(
  '%s is an operation of the published schema',
  (_name, text) => {
    expect(validate(schema, parse(text)).map(({ message }) => message)).toEqual([]);
  },
);
