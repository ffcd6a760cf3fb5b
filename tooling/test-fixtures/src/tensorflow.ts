/** Runs before every test file of a project on TensorFlow's library; its tests are skipped where that is missing. */
import { useTensorFlow } from '@ahpa/libtensorflow';
import { beforeEach } from 'vitest';
import { missing } from './native.ts';

if (missing === undefined) await useTensorFlow();
else beforeEach(({ skip }) => skip(missing));
