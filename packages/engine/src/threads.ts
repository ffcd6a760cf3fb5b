/** Threads of operations that run side by side. */
import { availableParallelism } from 'node:os';
import { LANES } from '@ahpa/ops';

/** Threads of one operation, so that the operations of all lanes together occupy the machine. */
export const threadsPerOp = (): number => Math.max(1, Math.floor(availableParallelism() / LANES));
