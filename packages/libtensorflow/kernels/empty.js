/** Stands in for the protobuf messages of saved models and summaries, which the kernels never reach. */
export default {};
