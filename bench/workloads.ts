/** What is asked of every server. */

export interface Workload {
  readonly name: 'list' | 'one-field' | '_entities';
  readonly title: string;
  /** The body of the HTTP request. */
  readonly body: string;
}

const LIST = `query List {
  gpuResources {
    id
    name
    memoryGb
    pricing { onDemandUsdPerHour spotUsdPerHour stock }
    community: pricing(cloud: COMMUNITY, gpuCount: 2) { onDemandUsdPerHour }
  }
}`;

const ONE_FIELD = `query OneField { gpuResource(id: "NVIDIA GeForce RTX 4090") { name } }`;

const ENTITIES = `query Entities($representations: [_Any!]!) {
  _entities(representations: $representations) {
    ... on GpuResource {
      name
      memoryGb
      pricing { onDemandUsdPerHour spotUsdPerHour stock }
    }
  }
}`;

const REPRESENTATIONS = 100;

/** As a router asks: every id is named as often as rows of another subgraph refer to it. */
export function makeWorkloads(gpuIds: readonly string[]): readonly Workload[] {
  const representations = Array.from({ length: REPRESENTATIONS }, (_, index) => ({
    __typename: 'GpuResource',
    id: gpuIds[index % gpuIds.length],
  }));
  return [
    {
      name: 'list',
      title: `all ${gpuIds.length} GPUs, two prices each`,
      body: JSON.stringify({ query: LIST }),
    },
    {
      name: '_entities',
      title: `${REPRESENTATIONS} representations, a price each`,
      body: JSON.stringify({ query: ENTITIES, variables: { representations } }),
    },
    {
      name: 'one-field',
      title: 'one field of one GPU',
      body: JSON.stringify({ query: ONE_FIELD }),
    },
  ];
}
