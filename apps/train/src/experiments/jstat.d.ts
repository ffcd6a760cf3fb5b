declare module 'jstat' {
  const jstat: {
    /** Student's t distribution. */
    readonly studentt: { inv(probability: number, degreesOfFreedom: number): number };
  };
  export default jstat;
}
