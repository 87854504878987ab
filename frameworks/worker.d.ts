// Made from custom-elements.json by scripts/framework-types.mjs.
// The worker's script exports nothing: its address is what is wanted.
export {};
