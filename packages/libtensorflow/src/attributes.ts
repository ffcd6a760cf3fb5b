/** Op attributes, set the same way on eager ops (TFE_*) and on graph operations (TF_*). */
import type { OpAttribute } from '../kernels/bundle.js';
import { Attr, type CApi } from './c-api.ts';

const int64s = (values: readonly number[]): BigInt64Array => BigInt64Array.from(values.map(BigInt));

type Setter = (...args: unknown[]) => void;

/**
 * Sets the defined attributes of `attributes` on an op description.
 * @throws Error where an attribute has an unsupported type
 */
export function setAttributes(
  api: CApi,
  family: 'TFE_Op' | 'TF_',
  target: number,
  attributes: readonly OpAttribute[],
): void {
  const set = (kind: string): Setter => api[`${family}SetAttr${kind}` as keyof CApi] as unknown as Setter;
  for (const { name, type, value } of attributes) {
    if (value === undefined || value === null) continue;
    const list = Array.isArray(value) ? (value as number[]) : undefined;
    switch (type) {
      case Attr.string: {
        const bytes = typeof value === 'string' ? Buffer.from(value) : (value as Uint8Array);
        set('String')(target, name, bytes, bytes.length);
        break;
      }
      case Attr.int:
        if (list) set('IntList')(target, name, int64s(list), list.length);
        else set('Int')(target, name, value);
        break;
      case Attr.float:
        if (list) set('FloatList')(target, name, Float32Array.from(list), list.length);
        else set('Float')(target, name, value);
        break;
      case Attr.bool:
        set('Bool')(target, name, value ? 1 : 0);
        break;
      case Attr.type:
        set('Type')(target, name, value);
        break;
      case Attr.shape:
        set('Shape')(target, name, int64s(list ?? []), list?.length ?? 0, api.status);
        break;
      case Attr.tensor:
        set('Tensor')(target, name, value, api.status);
        break;
      default:
        throw new Error(`attribute ${name} has type ${type}, which this binding cannot set`);
    }
  }
}
