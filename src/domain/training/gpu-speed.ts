/** How fast GPUs are, by the vendors' data sheets: what estimates of time are a share of. */

export interface GpuSpeed {
  /** Dense BF16 tensor throughput with FP32 sums; FP16 before Ampere. */
  readonly flopPerSecond: number;
  readonly bytesPerSecond: number;
  /** Whether FlashAttention 2 runs on it: from Ampere on. */
  readonly hasFlashAttention: boolean;
}

/**
 * TFLOP/s and TB/s. The first name that the GPU's id contains counts. A T4's data sheet says 65: its
 * 70 W hold it to 40, as fitted to the published runs (docs/estimates.md).
 */
const GPUS: readonly (readonly [name: string, tflops: number, terabytesPerSecond: number])[] = [
  ['B300', 2_250, 8],
  ['B200', 2_250, 8],
  ['H200 NVL', 836, 4.8],
  ['H200', 989, 4.8],
  ['H100 80GB HBM3', 989, 3.35],
  ['H100 NVL', 835, 3.9],
  ['H100 PCIe', 756, 2],
  ['MI300X', 1_307, 5.3],
  ['A100-SXM4-40GB', 312, 1.555],
  ['A100-PCIE-40GB', 312, 1.555],
  ['A100 80GB PCIe', 312, 1.935],
  ['A100', 312, 2.039],
  ['A800 80GB PCIe', 312, 1.935],
  ['L40S', 362, 0.864],
  ['NVIDIA L40', 181, 0.864],
  ['NVIDIA L4', 121, 0.3],
  ['NVIDIA A40', 150, 0.696],
  ['A30', 165, 0.933],
  ['RTX A6000', 155, 0.768],
  ['RTX A5000', 111, 0.768],
  ['RTX A4500', 95, 0.64],
  ['RTX A4000', 77, 0.448],
  ['RTX A2000', 32, 0.288],
  ['RTX 6000 Ada', 364, 0.96],
  ['RTX 5000 Ada', 261, 0.576],
  ['RTX 4000 SFF Ada', 77, 0.28],
  ['RTX 4000 Ada', 107, 0.36],
  ['RTX 2000 Ada', 48, 0.224],
  ['RTX 5090', 210, 1.792],
  ['RTX 5080', 113, 0.96],
  ['RTX 4090', 165, 1.008],
  ['RTX 4080 SUPER', 104, 0.736],
  ['RTX 4080', 97, 0.717],
  ['RTX 4070 Ti', 80, 0.504],
  ['RTX 3090 Ti', 80, 1.008],
  ['RTX 3090', 71, 0.936],
  ['RTX 3080 Ti', 68, 0.912],
  ['RTX 3080', 60, 0.76],
  ['RTX 3070', 41, 0.448],
  ['PRO 6000 Blackwell Server Edition MIG 1g', 120, 0.448],
  ['PRO 6000 Blackwell Server Edition MIG 2g', 240, 0.896],
  ['PRO 6000', 504, 1.792],
  ['V100-PCIE', 112, 0.9],
  ['V100', 125, 0.9],
  ['Tesla T4', 40, 0.32],
];

const BEFORE_AMPERE: readonly string[] = ['V100-PCIE', 'V100', 'Tesla T4'];

/** Null: the GPU is not in the table. */
export function speedOf(gpuId: string): GpuSpeed | null {
  const found = GPUS.find(([name]) => gpuId.includes(name));
  if (found === undefined) return null;
  const [name, tflops, terabytesPerSecond] = found;
  return {
    flopPerSecond: tflops * 1e12,
    bytesPerSecond: terabytesPerSecond * 1e12,
    hasFlashAttention: !BEFORE_AMPERE.includes(name),
  };
}
