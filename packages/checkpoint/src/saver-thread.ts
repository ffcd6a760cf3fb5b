/** The thread of a saver: saves what it is sent and answers each request once. */
import { parentPort } from 'node:worker_threads';
import { type SaveReply, type SaveRequest, saveAndRotate } from './saver.ts';

parentPort?.on('message', async (request: SaveRequest) => {
  const reply: SaveReply = await saveAndRotate(request).then(
    () => ({}),
    ({ message, code, path }: NodeJS.ErrnoException) => ({
      error: { message, ...(code && { code }), ...(path && { path }) },
    }),
  );
  parentPort?.postMessage(reply);
});
