/** GraphiQL from a package, whole in one page: it works without the internet. */
import type { IncomingMessage } from 'node:http';

const DEFAULT_QUERY = `# GPUs and live prices. Prices are for the whole pod, in USD per hour.
query Gpus {
  gpuPlatform { name emulated connected }
  gpuResources(filter: { minMemoryGb: 24, minStock: LOW }) {
    id
    name
    memoryGb
    pricing { onDemandUsdPerHour spotUsdPerHour stock }
  }
}
`;

export function wantsIde(request: IncomingMessage): boolean {
  return request.method === 'GET' && (request.headers.accept ?? '').includes('text/html');
}

/** Some megabytes of script: loaded when the first browser asks. */
export async function renderIde(endpoint: string): Promise<string> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  return renderGraphiQL({
    endpoint,
    subscriptionsProtocol: 'WS',
    title: 'runpod-subgraph',
    defaultQuery: DEFAULT_QUERY,
  });
}
