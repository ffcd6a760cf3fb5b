import * as tf from '@tensorflow/tfjs-core';
import { test } from 'vitest';
import { inception } from '../src/index.ts';
import { expectInception, inceptionImages, inceptionParams } from './inception.ts';

// In plain JavaScript this takes minutes.
test.skipIf(tf.getBackend() === 'cpu')(
  'Inception computes what the network of FID does in PyTorch, from the same weights',
  () => {
    expectInception(inception.apply(inceptionParams(), inceptionImages()));
  },
);
