/** node:util with the functions that the kernels use and Node 23 removed. */
export * from 'node:util';

export const isNullOrUndefined = (value) => value === null || value === undefined;
export const isArray = Array.isArray;
export const isString = (value) => typeof value === 'string';
