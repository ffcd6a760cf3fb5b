/** Unexpected tensors that may be left out: those beside the network, not those inside its layers. */
import { userError } from '@ahpa/messages';

/** Modules of the network, each of which takes part in its output. */
const INSIDE =
  /^(?:blocks|x_embedder|t_embedder|y_embedder|final_layer|transformer_blocks|pos_embed|proj_out_[12])(?:\.|$)/;

/** Refuses to leave out tensors inside the network. @throws Error that names them. */
export function assertDroppable(unknown: readonly string[], source: string): void {
  const inside = unknown.filter((name) => INSIDE.test(name));
  if (inside.length === 0) return;
  throw userError(
    `${source} is another network: its layers have ${inside.join(', ')}, and without them it would compute something else; --drop-unknown leaves out only what stands beside the network.`,
  );
}
