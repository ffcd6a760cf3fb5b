/** Worker thread of a saver: saves each request and replies once. */
import { parentPort } from 'node:worker_threads';
import { listBuffers, type SaveReply, type SaveRequest, saveAndRotate } from './saver.ts';

parentPort?.on('message', async (request: SaveRequest) => {
  const { tensors } = request;
  const reply: SaveReply = await saveAndRotate(request).then(
    () => ({ tensors }),
    ({ message, code, path }: NodeJS.ErrnoException) => ({
      tensors,
      error: { message, ...(code && { code }), ...(path && { path }) },
    }),
  );
  parentPort?.postMessage(reply, listBuffers(tensors));
});
