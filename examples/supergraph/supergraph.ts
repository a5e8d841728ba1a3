/** This subgraph with the emulator embedded, a second subgraph, and the gateway in front. */
import { startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { startExperiments } from './experiments/server.ts';
import { startGateway } from './gateway.ts';
import type { Planner } from './gateway.ts';

export interface SupergraphSettings {
  readonly gatewayPort: number;
  readonly runpodPort: number;
  readonly experimentsPort: number;
  readonly planner: Planner;
  readonly dataDir: string;
}

export interface Supergraph {
  /** Each of its GraphQL endpoint. */
  readonly gatewayUrl: string;
  readonly runpodUrl: string;
  readonly experimentsUrl: string;
  readonly emulatorUrl: string;
  readonly close: () => Promise<void>;
}

/** On a failure what was started before it is ended again. */
export async function startSupergraph(settings: SupergraphSettings): Promise<Supergraph> {
  await using started = new AsyncDisposableStack();
  const app = await startApp(runpodConfig(settings));
  started.defer(() => app.close());
  const runpodUrl = `${app.url}/graphql`;
  const experiments = await startExperiments(settings.experimentsPort);
  started.defer(() => experiments.close());
  const gateway = await startGateway({
    port: settings.gatewayPort,
    planner: settings.planner,
    runpodUrl,
    experimentsUrl: experiments.url,
  });
  // Ended first, as it was started last: nobody asks a subgraph that is gone.
  started.defer(() => gateway.close());
  const parts = started.move();
  return {
    gatewayUrl: gateway.url,
    runpodUrl,
    experimentsUrl: experiments.url,
    emulatorUrl: app.emulatorUrl ?? '',
    close: () => parts.disposeAsync(),
  };
}

/** Nothing of the environment: whatever it says, nothing is rented and nothing is billed. */
function runpodConfig({ runpodPort, dataDir }: SupergraphSettings) {
  return readConfig({
    PORT: String(runpodPort),
    DATA_DIR: dataDir,
    LOG_LEVEL: 'error',
    // An emulated cloud answers at once: there is nothing to be gentle with.
    RECONCILE_SECONDS: '0.2',
    SHUTDOWN_GRACE_SECONDS: '5',
  });
}
