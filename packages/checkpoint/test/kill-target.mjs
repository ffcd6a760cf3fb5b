/** A program that kills are tried on: counts up in steps, saves every fourth in the background from the same memory, goes on where it stopped. */
import { createSaver, listCheckpoints, loadLatest } from '@ahpa/checkpoint';

const [folder, until] = [process.argv[2], Number(process.argv[3])];
const rotation = { keepLast: 2, keepEvery: 0 };
const begun = (await listCheckpoints(folder)).length > 0;
const start = begun ? (await loadLatest(folder)).step : 0;
const saver = createSaver();
for (let step = start + 1; step <= until; step++) {
  saver.check();
  if (step % 4 !== 0) continue;
  const { buffer } = (await saver.ready())?.values.data ?? new Float32Array(4096);
  new Float32Array(buffer).fill(step);
  const tensors = { values: { dtype: 'F32', shape: [4096], data: new Uint8Array(buffer) } };
  await saver.save({ folder, step, tensors, meta: { step }, rotation });
}
await saver.close();
