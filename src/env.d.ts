declare module '*.wgsl' {
  /** The shader's text with its includes expanded. */
  const code: string;
  export default code;
}
