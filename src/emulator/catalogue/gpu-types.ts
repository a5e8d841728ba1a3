/**
 * The GPU types that the emulator rents out.
 *
 * Ids, names and memory: documentation of 2026-02-12 and a snapshot of 2026-08-27. Prices: as
 * observed in 2026 where there is an observation (RTX 4090, 2000 Ada, PRO 4500, MI300X, H100 NVL
 * and SXM, A100 PCIe, L40S, A40, RTX 5090, B300, RTX 3070), plausible elsewhere.
 */
export type Cloud = 'SECURE' | 'COMMUNITY';

/** What one cloud offers of a GPU type. */
export interface CloudOffer {
  /** List price of one GPU. Kept, and stale, where `maxCount` is 0: the original does that too. */
  readonly usdPerHour: number;
  /** GPUs in the largest machine; 0: not offered in this cloud. */
  readonly maxCount: number;
}

export interface GpuType {
  readonly id: string;
  readonly name: string;
  readonly manufacturer: 'NVIDIA' | 'AMD';
  readonly memoryGb: number;
  readonly offers: Readonly<Record<Cloud, CloudOffer>>;
  /** Lowest bid as a share of the list price; null: no spot pods. */
  readonly spotShare: number | null;
  /** GPUs that are usually free in a data centre that has this type. */
  readonly usuallyFree: number;
  /** `major.minor`, oldest first; empty: machines report none. */
  readonly cudaVersions: readonly string[];
  /** The data centre that has this type whatever the seed. */
  readonly homeId: string;
  /** Serverless pool. */
  readonly pool: string | null;
}

const CUDA: Readonly<Record<string, readonly string[]>> = {
  volta: ['12.4', '12.6'],
  ampere: ['12.4', '12.6', '12.8'],
  ada: ['12.4', '12.8', '13.0'],
  hopper: ['12.6', '12.8', '13.0'],
  blackwell: ['12.8', '13.0'],
  none: [],
};

// USD per hour of one GPU x GPUs in the largest machine. x0: an old price of a cloud that no longer
// offers the type.
const TABLE = `
id | name | GB | secure | community | spot | free | CUDA | home | pool
AMD Instinct MI300X OAM | MI300X | 192 | 2.39 x8 | 0.50 x0 | 0.5 | 3 | none | EU-RO-1 | -
NVIDIA A100 80GB PCIe | A100 PCIe | 80 | 1.39 x8 | 1.19 x8 | 0.6 | 14 | ampere | US-KS-2 | AMPERE_80
NVIDIA A100-SXM4-40GB | A100 SXM 40GB | 40 | 1.14 x8 | - | 0.6 | 1 | ampere | US-CA-2 | -
NVIDIA A100-SXM4-80GB | A100 SXM | 80 | 1.49 x8 | 1.39 x8 | 0.6 | 10 | ampere | US-TX-3 | AMPERE_80
NVIDIA A30 | A30 | 24 | - | 0.22 x2 | 0.5 | 1 | ampere | CA-MTL-1 | -
NVIDIA A40 | A40 | 48 | 0.44 x10 | - | 0.5 | 18 | ampere | EU-SE-1 | AMPERE_48
NVIDIA B200 | B200 | 180 | 5.98 x8 | - | - | 4 | blackwell | US-CA-2 | BLACKWELL_180
NVIDIA B300 SXM6 AC | B300 | 288 | 7.39 x8 | - | - | 2 | blackwell | EU-NL-1 | -
NVIDIA GeForce RTX 3070 | RTX 3070 | 8 | 0.13 x8 | 0.13 x8 | 1 | 2 | ampere | EU-FR-1 | -
NVIDIA GeForce RTX 3080 | RTX 3080 | 10 | - | 0.17 x4 | 0.5 | 2 | ampere | CA-MTL-1 | -
NVIDIA GeForce RTX 3080 Ti | RTX 3080 Ti | 12 | - | 0.18 x4 | 0.5 | 2 | ampere | EU-FR-1 | -
NVIDIA GeForce RTX 3090 | RTX 3090 | 24 | 0.46 x8 | 0.22 x8 | 0.5 | 12 | ampere | EU-SE-1 | AMPERE_24
NVIDIA GeForce RTX 3090 Ti | RTX 3090 Ti | 24 | - | 0.27 x4 | 0.5 | 2 | ampere | AP-JP-1 | -
NVIDIA GeForce RTX 4070 Ti | RTX 4070 Ti | 12 | - | 0.19 x4 | 0.5 | 2 | ada | OC-AU-1 | -
NVIDIA GeForce RTX 4080 | RTX 4080 | 16 | - | 0.27 x4 | 0.5 | 2 | ada | AP-IN-1 | -
NVIDIA GeForce RTX 4080 SUPER | RTX 4080 SUPER | 16 | - | 0.28 x4 | 0.5 | 2 | ada | EU-NL-1 | -
NVIDIA GeForce RTX 4090 | RTX 4090 | 24 | 0.74 x8 | 0.34 x4 | 0.5 | 24 | ada | EU-RO-1 | ADA_24
NVIDIA GeForce RTX 5080 | RTX 5080 | 16 | - | 0.39 x4 | 0.5 | 3 | blackwell | AP-JP-1 | -
NVIDIA GeForce RTX 5090 | RTX 5090 | 32 | 0.99 x8 | 0.69 x8 | 0.6 | 12 | blackwell | EU-RO-1 | ADA_32_PRO
NVIDIA H100 80GB HBM3 | H100 SXM | 80 | 2.69 x8 | 2.39 x8 | 0.65 | 12 | hopper | US-KS-2 | ADA_80_PRO
NVIDIA H100 NVL | H100 NVL | 94 | 2.59 x8 | 1.39 x2 | 0.6 | 3 | hopper | US-KS-2 | ADA_80_PRO
NVIDIA H100 PCIe | H100 PCIe | 80 | 2.39 x8 | 1.99 x4 | 0.6 | 6 | hopper | CA-MTL-1 | ADA_80_PRO
NVIDIA H200 | H200 SXM | 141 | 3.59 x8 | - | 0.7 | 6 | hopper | US-CA-2 | HOPPER_141
NVIDIA H200 NVL | H200 NVL | 143 | 3.39 x4 | - | - | 1 | hopper | US-TX-3 | -
NVIDIA L4 | L4 | 24 | 0.39 x8 | 0.29 x4 | 0.5 | 8 | ada | EU-RO-1 | AMPERE_24
NVIDIA L40 | L40 | 48 | 0.99 x8 | 0.69 x4 | 0.5 | 4 | ada | EU-NL-1 | ADA_48_PRO
NVIDIA L40S | L40S | 48 | 0.86 x8 | 0.79 x8 | 0.5 | 16 | ada | US-TX-3 | ADA_48_PRO
NVIDIA RTX 2000 Ada Generation | RTX 2000 Ada | 16 | 0.24 x8 | 0.16 x2 | 0.5 | 3 | ada | EU-RO-1 | AMPERE_16
NVIDIA RTX 4000 Ada Generation | RTX 4000 Ada | 20 | 0.26 x8 | 0.20 x4 | 0.5 | 6 | ada | EU-RO-1 | AMPERE_16
NVIDIA RTX 4000 SFF Ada Generation | RTX 4000 Ada SFF | 20 | - | 0.18 x2 | - | 1 | ada | EU-SE-1 | -
NVIDIA RTX 5000 Ada Generation | RTX 5000 Ada | 32 | 0.65 x8 | 0.49 x4 | 0.5 | 3 | ada | US-KS-2 | -
NVIDIA RTX 6000 Ada Generation | RTX 6000 Ada | 48 | 0.77 x8 | 0.74 x8 | 0.5 | 12 | ada | EU-NL-1 | ADA_48_PRO
NVIDIA RTX A2000 | RTX A2000 | 6 | - | 0.12 x4 | - | 2 | ampere | EU-FR-1 | -
NVIDIA RTX A4000 | RTX A4000 | 16 | 0.25 x8 | 0.17 x8 | 0.5 | 8 | ampere | EU-RO-1 | AMPERE_16
NVIDIA RTX A4500 | RTX A4500 | 20 | 0.25 x8 | 0.19 x4 | 0.5 | 6 | ampere | EU-SE-1 | AMPERE_16
NVIDIA RTX A5000 | RTX A5000 | 24 | 0.27 x8 | 0.16 x8 | 0.5 | 10 | ampere | EU-RO-1 | AMPERE_24
NVIDIA RTX A6000 | RTX A6000 | 48 | 0.49 x8 | 0.33 x8 | 0.5 | 12 | ampere | US-KS-2 | AMPERE_48
NVIDIA RTX PRO 4000 Blackwell | RTX PRO 4000 | 24 | 0.54 x8 | 0.30 x4 | 0.5 | 4 | blackwell | EU-RO-1 | -
NVIDIA RTX PRO 4500 Blackwell | RTX PRO 4500 | 32 | 0.72 x8 | 0.34 x4 | 0.5 | 16 | blackwell | EU-RO-1 | -
NVIDIA RTX PRO 4500 Blackwell Server Edition | RTX PRO 4500 SE | 32 | 0.79 x8 | - | 0.5 | 2 | blackwell | US-TX-3 | -
NVIDIA RTX PRO 5000 Blackwell | RTX PRO 5000 | 48 | 0.99 x8 | 0.59 x4 | 0.5 | 3 | blackwell | EU-NL-1 | -
NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition | RTX PRO 6000 MaxQ | 96 | - | 1.29 x4 | - | 1 | blackwell | AP-JP-1 | -
NVIDIA RTX PRO 6000 Blackwell Server Edition | RTX PRO 6000 | 96 | 1.84 x8 | 1.69 x8 | 0.6 | 8 | blackwell | US-KS-2 | BLACKWELL_96
NVIDIA RTX PRO 6000 Blackwell Server Edition MIG 1g.24gb | PRO 6000 MIG 24GB | 24 | 0.49 x1 | - | - | 4 | blackwell | EU-NL-1 | -
NVIDIA RTX PRO 6000 Blackwell Server Edition MIG 2g.48gb | PRO 6000 MIG 48GB | 48 | 0.95 x1 | - | - | 4 | blackwell | EU-NL-1 | -
NVIDIA RTX PRO 6000 Blackwell Workstation Edition | RTX PRO 6000 WK | 96 | 2.09 x4 | 1.69 x4 | 0.6 | 4 | blackwell | EU-RO-1 | BLACKWELL_96
Tesla V100-PCIE-16GB | Tesla V100 | 16 | - | 0.19 x8 | 0.5 | 1 | volta | EU-FR-1 | -
Tesla V100-SXM2-16GB | V100 SXM2 | 16 | - | 0.23 x8 | 0.5 | 1 | volta | US-CA-2 | -
Tesla V100-SXM2-32GB | V100 SXM2 32GB | 32 | - | 0.29 x8 | 0.5 | 0 | volta | AP-IN-1 | -
`;

export const GPU_TYPES: readonly GpuType[] = TABLE.trim().split('\n').slice(1).map(parseRow);

export function findGpuType(id: string): GpuType | undefined {
  return GPU_TYPES.find((gpu) => gpu.id === id);
}

/** Whether pods with this many GPUs exist in this cloud at all. */
export function isOffered(gpu: GpuType, cloud: Cloud, gpuCount: number): boolean {
  return gpuCount <= gpu.offers[cloud].maxCount;
}

function parseRow(row: string): GpuType {
  const [id = '', name = '', ...cells] = row.split(' | ');
  const [memory, secure = '', community = '', spot, free, cuda = '', homeId = '', pool = ''] =
    cells;
  return {
    id,
    name,
    manufacturer: id.startsWith('AMD') ? 'AMD' : 'NVIDIA',
    memoryGb: Number(memory),
    offers: { SECURE: parseOffer(secure), COMMUNITY: parseOffer(community) },
    spotShare: spot === '-' ? null : Number(spot),
    usuallyFree: Number(free),
    cudaVersions: CUDA[cuda] ?? [],
    homeId,
    pool: pool === '-' ? null : pool,
  };
}

function parseOffer(cell: string): CloudOffer {
  if (cell === '-') return { usdPerHour: 0, maxCount: 0 };
  const [usdPerHour, maxCount] = cell.split(' x').map(Number);
  return { usdPerHour: usdPerHour ?? 0, maxCount: maxCount ?? 0 };
}
