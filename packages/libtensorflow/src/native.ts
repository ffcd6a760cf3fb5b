/** The one native library of the process: loaded once, kept loaded, with one eager context. */
import koffi from 'koffi';
import { type CApi, loadCApi } from './c-api.ts';
import { threadsConfig } from './proto.ts';

/** A TensorFlow device as the eager context lists it. */
export interface Device {
  readonly name: string;
  readonly type: string;
  readonly memoryBytes: number;
}

/** The loaded library, its eager context and its devices. */
export interface Native {
  readonly api: CApi;
  readonly context: number;
  readonly path: string;
  readonly version: string;
  readonly devices: readonly Device[];
}

const RTLD_NOW = 2;
const RTLD_NODELETE = process.platform === 'darwin' ? 0x80 : 0x1000;

/** Runs `fn` with the process's stderr closed to native code: TensorFlow announces itself there while loading. */
function quietly<T>(fn: () => T): T {
  if (process.platform === 'win32' || process.env['TF_CPP_MIN_LOG_LEVEL'] === '0') return fn();
  const libc = koffi.load(null);
  const dup = libc.func('int dup(int fd)');
  const dup2 = libc.func('int dup2(int from, int to)');
  const close = libc.func('int close(int fd)');
  const saved = dup(2) as number;
  const sink = libc.func('int open(str path, int flags)')('/dev/null', 1) as number;
  dup2(sink, 2);
  try {
    return fn();
  } finally {
    dup2(saved, 2);
    close(saved);
    close(sink);
  }
}

/** TensorFlow's threads outlive Node's clean-up, so the library must never be unloaded: that crashes at exit. */
function pin(path: string): void {
  const dlopen = koffi.load(null).func('void *dlopen(str path, int flags)');
  dlopen(path, RTLD_NOW | RTLD_NODELETE);
}

function listDevices(api: CApi, context: number): Device[] {
  const list = api.TFE_ContextListDevices(context, api.status) as number;
  api.check('listing devices');
  const count = api.TF_DeviceListCount(list) as number;
  const devices = Array.from({ length: count }, (_, i) => ({
    name: api.TF_DeviceListName(list, i, api.status) as string,
    type: api.TF_DeviceListType(list, i, api.status) as string,
    memoryBytes: Number(api.TF_DeviceListMemoryBytes(list, i, api.status)),
  }));
  api.TF_DeleteDeviceList(list);
  return devices;
}

function open(path: string, threadsPerOp: number | undefined): Native {
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  try {
    return quietly(() => {
      if (process.platform !== 'win32') pin(path);
      const api = loadCApi(path);
      const options = api.TFE_NewContextOptions() as number;
      if (threadsPerOp !== undefined) {
        const config = threadsConfig(threadsPerOp);
        api.TFE_ContextOptionsSetConfig(options, config, config.length, api.status);
      }
      const context = api.TFE_NewContext(options, api.status) as number;
      api.TFE_DeleteContextOptions(options);
      api.check('creating the eager context');
      const version = api.TF_Version() as string;
      return { api, context, path, version, devices: listDevices(api, context) };
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`cannot load TensorFlow from ${path}: ${reason}; obtain it again with setup`, {
      cause: error,
    });
  }
}

let loaded: Native | undefined;

/**
 * Loads libtensorflow_cc from `path`, once for the process; operations use `threadsPerOp` threads each, default all processors.
 * @throws Error where the file does not load or another file is loaded already
 */
export function loadNative(path: string, threadsPerOp?: number): Native {
  loaded ??= open(path, threadsPerOp);
  if (loaded.path !== path) {
    throw new Error(
      `TensorFlow is loaded from ${loaded.path} already and cannot be loaded again from ${path}`,
    );
  }
  return loaded;
}
