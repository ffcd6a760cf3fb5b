#!/usr/bin/env node
/** The executable. */
import { createProgram } from './program.ts';

await createProgram().parseAsync();
