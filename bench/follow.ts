/** What processes of readers are told to follow, whatever the transport. */
import { z } from 'zod';

/** Until there are so many readers in all. */
export const connectSchema = z.object({
  kind: z.literal('connect'),
  count: z.int(),
  port: z.int(),
  controlPort: z.int(),
  jobIds: z.array(z.string()),
  ends: z.array(z.string().nullable()),
});
export type ConnectOrder = z.infer<typeof connectSchema>;

export const QUERY = `subscription Follow($id: ID!, $after: LogCursor) { trainingJobLogs(jobId: $id, after: $after) { ... on LogBatch { lines { seq at source text } endCursor } } }`;
