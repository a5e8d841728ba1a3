/**
 * What starts the agent in a pod: its programs travel in the create request's command, so no image
 * of ours and no download are needed.
 *
 * @see agent/PROTOCOL.md §1
 */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import type { PodProgram } from '../domain/training/trainer.ts';

const AGENT_FOLDER = new URL('../../agent/', import.meta.url);
const PARTS = /^(agent|trainer(_[a-z]+)?)\.py$|^requirements-[a-z0-9]+\.txt$/;

/** PROTOCOL.md §1.3, byte for byte. */
const BOOTSTRAP =
  'import base64,json,os,sys,tempfile,zlib;d=tempfile.mkdtemp(prefix="agent-");' +
  '[open(os.path.join(d,n),"w",encoding="utf-8").write(t) for n,t in json.loads(zlib.decompress(base64.b64decode(sys.argv[1]))).items()];' +
  'os.execv(sys.executable,[sys.executable,"-u",os.path.join(d,"agent.py")])';

type Backend = PodProgram['backend'];

/** What only some backends need; the others' pods are spared it. */
const NEEDED_BY: Readonly<Record<string, readonly Backend[]>> = {
  'trainer_toy.py': ['toy'],
  'trainer_trl.py': ['trl'],
  'requirements-trl.txt': ['trl'],
  'trainer_unsloth.py': ['unsloth'],
  'requirements-unsloth.txt': ['unsloth'],
  'trainer_launch.py': ['trl', 'unsloth'],
  'trainer_watch.py': ['trl', 'unsloth'],
  'trainer_hf.py': ['trl', 'unsloth'],
  'trainer_fetch.py': ['trl', 'unsloth'],
  'trainer_divergence.py': ['trl', 'unsloth'],
};

const commands = new Map<Backend, readonly string[]>();

/**
 * The command, in exec form, of a pod that trains with this backend; the same in every call. Below
 * 60 KB.
 */
export function agentCommand(backend: Backend): readonly string[] {
  const known = commands.get(backend) ?? ['python3', '-c', BOOTSTRAP, payload(backend)];
  commands.set(backend, known);
  return known;
}

function payload(backend: Backend): string {
  const json = JSON.stringify(agentFiles(backend));
  return deflateSync(json, { level: 9 }).toString('base64');
}

/** The texts of the programs that a pod for this backend gets, by name. */
export function agentFiles(backend: Backend): Readonly<Record<string, string>> {
  const isNeeded = (name: string) => NEEDED_BY[name]?.includes(backend) ?? true;
  const names = readdirSync(AGENT_FOLDER)
    .filter((name) => PARTS.test(name) && isNeeded(name))
    .toSorted();
  const files = names.map((name) => [name, readFileSync(new URL(name, AGENT_FOLDER), 'utf8')]);
  return Object.fromEntries(files) as Record<string, string>;
}

const programs = new Map<Backend, string>();

/** What trains, as one text for people. Read once: a list of jobs may ask for the script of each. */
export function trainerProgram(backend: Backend): string {
  const known = programs.get(backend) ?? sourceOfTrainer(backend);
  programs.set(backend, known);
  return known;
}

function sourceOfTrainer(backend: Backend): string {
  return Object.entries(agentFiles(backend))
    .filter(([name]) => name !== 'agent.py')
    .map(([name, text]) => `# ── ${name}\n\n${name.endsWith('.py') ? text : commented(text)}`)
    .join('\n');
}

function commented(text: string): string {
  return text.replace(/^(?=.)/gm, '# ');
}

export interface AgentEnvOptions {
  /** Known to the owner alone: only its SHA-256 goes into the pod. */
  readonly token: string;
  /** Where the agent ends its own pod; omitted: RunPod's own addresses. PROTOCOL.md §8.2. */
  readonly selfTermination?: { readonly restUrl: string; readonly graphqlUrl: string };
  readonly maxRuntimeSeconds: number;
  readonly uploadGraceSeconds: number;
  readonly resultGraceSeconds: number;
  /** More variables, such as an emulator's AGENT_PORT; they win. */
  readonly extra?: Readonly<Record<string, string>>;
}

/** The pod's environment. Others can read it: it holds no secret. PROTOCOL.md §1.4. */
export function agentEnv(options: AgentEnvOptions): Record<string, string> {
  const { selfTermination: end } = options;
  return {
    AGENT_TOKEN_SHA256: createHash('sha256').update(options.token).digest('hex'),
    AGENT_MAX_RUNTIME_SECONDS: String(options.maxRuntimeSeconds),
    AGENT_UPLOAD_GRACE_SECONDS: String(options.uploadGraceSeconds),
    AGENT_RESULT_GRACE_SECONDS: String(options.resultGraceSeconds),
    ...(end === undefined
      ? {}
      : { AGENT_REST_URL: end.restUrl, AGENT_GRAPHQL_URL: end.graphqlUrl }),
    ...options.extra,
  };
}
