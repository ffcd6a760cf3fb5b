/** Two sides in turn, A B A B, so that drift of the machine affects both equally. */
import type { Peer, WorkKind } from './peer.ts';
import type { Timing } from './work.ts';

/** Measurements of one side. */
export interface SideReport {
  readonly name: string;
  readonly parameters: number;
  readonly firstSeconds: number;
  readonly medianSeconds: number;
  readonly minSeconds: number;
  /** Rate of the counted matrix work. */
  readonly gflops: number;
  readonly peakRssBytes: number;
  /** Median wall time of a step outside TensorFlow's execution; ours only. */
  readonly hostSeconds?: number;
}

/** The middle of the sorted values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return ((sorted[(sorted.length - 1) >> 1] as number) + (sorted[sorted.length >> 1] as number)) / 2;
}

/** A peer with its turns, and the seconds of its first repetition, which include a trace or a compilation. */
export interface Side {
  readonly peer: Peer;
  readonly firstSeconds: number;
  readonly turns: readonly Timing[];
}

/** Takes `rounds` turns of one repetition a side after `warmup` uncounted ones. */
export async function interleave(
  peers: readonly Peer[],
  kind: WorkKind,
  rounds: number,
  warmup: number,
  onRound: (done: number) => void,
): Promise<Side[]> {
  const sides: { peer: Peer; firstSeconds: number; turns: Timing[] }[] = [];
  for (const peer of peers) {
    const [firstSeconds] = (await peer.run(kind, warmup)).seconds as [number];
    sides.push({ peer, firstSeconds, turns: [] });
  }
  for (let round = 0; round < rounds; round++) {
    for (const { peer, turns } of sides) turns.push(await peer.run(kind, 1));
    onRound(round + 1);
  }
  return sides;
}

/** The measurements of one side from its turns. */
export function sideReport({ peer, firstSeconds, turns }: Side, flops: number): SideReport {
  const seconds = turns.flatMap((timing) => timing.seconds);
  const host = turns.flatMap((timing) => timing.hostSeconds ?? []);
  return {
    name: peer.name,
    parameters: peer.parameters,
    firstSeconds,
    medianSeconds: median(seconds),
    minSeconds: Math.min(...seconds),
    gflops: flops / median(seconds) / 1e9,
    peakRssBytes: Math.max(...turns.map(({ peakRss }) => peakRss)),
    ...(host.length > 0 ? { hostSeconds: median(host) } : {}),
  };
}
