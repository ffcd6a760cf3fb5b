/** Pinned Python wheels with TensorFlow's C library, by platform: names, versions and hashes. */
import { userError } from '@ahpa/messages';

/** One file of the Python package index, and the part of it that is kept. */
export interface Wheel {
  readonly name: string;
  readonly version: string;
  /** Platform tag, as pip's `--platform` takes it. */
  readonly platform: string;
  readonly sha256: string;
  /** Size of the download, for progress; rounded. */
  readonly bytes: number;
  /** Paths inside the wheel that are unpacked. */
  readonly keep: RegExp;
}

/** Wheels and sizes for one platform. */
export interface Release {
  readonly version: string;
  /** Names the folder in the cache: `<version>-<platform>-<arch>-<cpu|gpu>`. */
  readonly target: string;
  readonly wheels: readonly Wheel[];
  /** Free disk space that download and unpacking need together. */
  readonly diskBytes: number;
}

/** The TensorFlow version that `setup` obtains. */
export const TENSORFLOW_VERSION = '2.21.0';

const LIBRARIES = /^tensorflow\/libtensorflow_(cc|framework)\.(so\.2|2\.dylib)$/;
const CUDA = /^nvidia\/(\w+\/lib\/|cuda_nvcc\/(bin|nvvm)\/)/;

/** Per platform: package, pip platform tag, megabytes, sha256. */
const TENSORFLOW: Readonly<Record<string, string>> = {
  'linux-x64-cpu': `tensorflow-cpu manylinux_2_27_x86_64 273.8
    2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c`,
  'linux-arm64-cpu': `tensorflow manylinux_2_27_aarch64 281.8
    4b24aca16d527a3cf1c37f720c04c484c3d20f4d0fdfa98632ac8b9f3be6eb5c`,
  'darwin-arm64-cpu': `tensorflow macosx_12_0_arm64 223.4
    51f46f4806139d01fc7920cc72a4c75876f80649bf40ff083ab6212ceb43ca88`,
  'linux-x64-gpu': `tensorflow manylinux_2_27_x86_64 572.4
    9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124`,
};

/** The `and-cuda` extra of tensorflow 2.21.0, newest of each range: nvidia-<name>-cu12, version, glibc, megabytes. */
const NVIDIA = `
  cublas 12.9.3.13 2_27 581.2 d7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72
  cuda-cupti 12.8.90 2_17 10.2 ea0cb07ebda26bb9b29ba82cda34849e73c166c18162d3913575b0c9db9a6182
  cuda-nvcc 12.9.86 2_12 40.5 5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0
  cuda-nvrtc 12.9.86 2_12 89.6 210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4
  cuda-runtime 12.9.79 2_17 3.5 25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3
  cudnn 9.28.0.42 2_27 716.5 9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375
  cufft 11.4.1.4 2_17 200.9 c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28
  curand 10.3.10.19 2_27 68.3 49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e
  cusolver 11.7.5.82 2_27 338.1 15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88
  cusparse 12.5.10.65 2_17 366.5 73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78
  nccl 2.32.3 2_27 351.5 bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c
  nvjitlink 12.9.86 2_12 39.7 e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9`;

const words = (line: string): string[] => line.trim().split(/\s+/);

function tensorflowWheel(pin: string): Wheel {
  const [name, platform, megabytes, sha256] = words(pin) as [string, string, string, string];
  return {
    name,
    version: TENSORFLOW_VERSION,
    platform,
    sha256,
    bytes: Number(megabytes) * 1e6,
    keep: LIBRARIES,
  };
}

const nvidiaWheels = (): Wheel[] =>
  NVIDIA.trim()
    .split('\n')
    .map((line) => {
      const [name, version, glibc, megabytes, sha256] = words(line) as [
        string,
        string,
        string,
        string,
        string,
      ];
      const platform = `manylinux_${glibc}_x86_64`;
      return {
        name: `nvidia-${name}-cu12`,
        version,
        platform,
        sha256,
        bytes: Number(megabytes) * 1e6,
        keep: CUDA,
      };
    });

/** File name of TensorFlow's C library on a platform. */
export const libraryName = (platform: string = process.platform): string =>
  platform === 'darwin' ? 'libtensorflow_cc.2.dylib' : 'libtensorflow_cc.so.2';

/** Version of the C library of a Linux machine, or undefined where it is not glibc. */
function glibcVersion(): string | undefined {
  const { header } = process.report.getReport() as unknown as { header: Record<string, string | undefined> };
  return header['glibcVersionRuntime'];
}

const olderThan = (version: string, wanted: number): boolean =>
  Number(version.split('.')[0]) < 2 || (version.startsWith('2.') && Number(version.split('.')[1]) < wanted);

/**
 * The pinned wheels for a machine.
 * @throws Error (user error) where TensorFlow publishes none
 */
export function releaseFor(
  gpu: boolean,
  platform: string = process.platform,
  arch: string = process.arch,
  glibc: string | undefined = platform === 'linux' ? glibcVersion() : undefined,
): Release {
  const pin = TENSORFLOW[`${platform}-${arch}-${gpu ? 'gpu' : 'cpu'}`];
  if (!pin) {
    const where = gpu ? 'NVIDIA GPUs on Linux x64' : 'Linux x64, Linux arm64 and macOS arm64';
    const remedy =
      platform === 'win32' ? 'use WSL 2' : gpu ? 'set up without --gpu' : 'use another backend (wasm or cpu)';
    throw userError(
      `TensorFlow's library is published for ${where}, not for ${platform} ${arch}: ${remedy}.`,
    );
  }
  if (platform === 'linux' && (glibc === undefined || olderThan(glibc, 27))) {
    const found = glibc === undefined ? 'no glibc (musl, as on Alpine)' : `glibc ${glibc}`;
    throw userError(
      `TensorFlow's library needs glibc 2.27 or newer and this Linux has ${found}: use a distribution such as Debian 10 or newer, or another backend (wasm or cpu).`,
    );
  }
  return {
    version: TENSORFLOW_VERSION,
    target: `${TENSORFLOW_VERSION}-${platform}-${arch}-${gpu ? 'gpu' : 'cpu'}`,
    wheels: [tensorflowWheel(pin), ...(gpu ? nvidiaWheels() : [])],
    diskBytes: gpu ? 7e9 : 1.2e9,
  };
}
